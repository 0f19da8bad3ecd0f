package content

import (
	"fmt"
	"strings"
)

// NotYet is the Package of a producer that does not exist yet; pages show its
// recommendation as such.
const NotYet = "not yet"

// Producer is a row of content/producers.tsv: a recommendation that judges
// documents which something of ours computes.
type Producer struct {
	Recommendation string // its id
	Package        string // import path below internal/, or NotYet
	Document       string // resource type of the documents that it writes
	Computes       string // what they say, in one line
}

// readProducers reads the tab separated table; the first line is its heading.
func readProducers(file string, data []byte) ([]Producer, error) {
	var producers []Producer
	for i, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		if i == 0 || line == "" {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			return nil, fmt.Errorf("%s:%d: want 4 columns, got %d", file, i+1, len(f))
		}
		producers = append(producers, Producer{Recommendation: f[0], Package: f[1], Document: f[2], Computes: f[3]})
	}
	return producers, nil
}
