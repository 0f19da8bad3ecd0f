package policy

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// ExplainInput names the files of one explanation.
type ExplainInput struct {
	Resource   string // one ARM document
	Definition string
	Related    string // JSON Lines of ARM documents, "" for none
	Parameters string // an object of plain values; "" for none
	Aliases    *Aliases
	Options    Options
	Now        time.Time
}

// ExplainFiles judges the resource of a file by the definition of a file and
// says why. Errors name the file.
func ExplainFiles(in ExplainInput) (*Explanation, error) {
	d, err := readDefinition(in.Definition)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Definition, err)
	}
	values, err := readValues(in.Parameters)
	if err != nil {
		return nil, err
	}
	b, err := Bind(d, values, in.Options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Definition, err)
	}
	body, err := readFile(in.Resource)
	if err != nil {
		return nil, err
	}
	r, err := readResource(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Resource, err)
	}
	estate := Resources{r}
	if in.Related != "" {
		lines, err := readLines(in.Related)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.Related, err)
		}
		for i, line := range lines {
			doc, err := readResource([]byte(line))
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", in.Related, i+1, err)
			}
			estate = append(estate, doc)
		}
	}
	e := &Evaluator{Aliases: in.Aliases, Options: in.Options, Estate: estate, Now: in.Now}
	return e.Explain(b, r, Environment{}), nil
}

// readResource reads an ARM document; its "unavailable" member, if there is
// one, names the paths that were not delivered.
func readResource(body []byte) (*Resource, error) {
	var extra struct {
		Unavailable []string `json:"unavailable"`
	}
	if err := json.Unmarshal(body, &extra); err != nil {
		return nil, fmt.Errorf("not an ARM document: %w", err)
	}
	return NewResource(wire.Document{Body: body, Unavailable: extra.Unavailable})
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return readLimited(f)
}

func readValues(name string) (map[string]Value, error) {
	if name == "" {
		return nil, nil
	}
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	values, err := valueMap(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return values, nil
}
