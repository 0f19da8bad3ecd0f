package policy

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Limits of an alias table; the full public one has 78,000 rows in 8 MB.
const (
	maxAliasLine  = 16 << 10
	maxAliasRows  = 2_000_000
	maxAliasBytes = 512 << 20
)

// LoadTSV adds rows "type, alias, path" separated by tabs. Empty lines and
// lines that start with # are skipped. A later row replaces an earlier one of
// the same type and alias. On an error nothing after the bad line is loaded.
func (a *Aliases) LoadTSV(r io.Reader) error { return a.loadTSV(r, false) }

func (a *Aliases) loadTSV(r io.Reader, builtIn bool) error {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, maxAliasLine)
	for n := 1; scan.Scan(); n++ {
		if n > maxAliasRows {
			return fmt.Errorf("alias table: more than %d rows", maxAliasRows)
		}
		line := strings.TrimSuffix(scan.Text(), "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := a.loadRow(line, builtIn); err != nil {
			return fmt.Errorf("alias table, line %d: %w", n, err)
		}
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("read alias table: %w", err)
	}
	return nil
}

// loadRow reads one line. In the built-in table a path that ends in * makes a
// family: the alias column is then the start of what follows the type.
func (a *Aliases) loadRow(line string, builtIn bool) error {
	cols := strings.Split(line, "\t")
	if len(cols) == 3 && cols[0] == "" {
		cols[0] = ownerType(cols[1]) // public dumps leave it out now and then
	}
	if len(cols) != 3 || cols[0] == "" || cols[1] == "" || cols[2] == "" {
		return fmt.Errorf("needs type, alias and path, separated by tabs")
	}
	if builtIn && strings.HasSuffix(cols[2], "*") && !strings.HasSuffix(cols[2], "[*]") {
		f := family{prefix: strings.TrimSuffix(cols[1], "*"), path: strings.TrimSuffix(cols[2], "*")}
		a.families[folded(cols[0])] = append(a.families[folded(cols[0])], f)
		return nil
	}
	path, err := ParsePath(cols[2])
	if err != nil {
		return err
	}
	a.add(cols[0], cols[1], &alias{path: path, builtIn: builtIn})
	a.known[folded(cols[0])] = a.known[folded(cols[0])] || !builtIn
	return nil
}

// providerDoc is what the list call of resource providers gives when resource
// types and aliases are expanded.
type providerDoc struct {
	Namespace     string `json:"namespace"`
	ResourceTypes []struct {
		ResourceType string        `json:"resourceType"`
		Capabilities string        `json:"capabilities"`
		Aliases      []providerRow `json:"aliases"`
	} `json:"resourceTypes"`
}

type providerRow struct {
	Name            string           `json:"name"`
	DefaultPath     string           `json:"defaultPath"`
	DefaultMetadata providerMetadata `json:"defaultMetadata"`
	Paths           []struct {
		Path        string           `json:"path"`
		APIVersions []string         `json:"apiVersions"`
		Metadata    providerMetadata `json:"metadata"`
	} `json:"paths"`
}

type providerMetadata struct {
	Attributes string `json:"attributes"`
}

// LoadProviders adds the aliases of a provider list: an array of providers, or
// an object with the array in value. Paths by API version are kept.
func (a *Aliases) LoadProviders(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxAliasBytes))
	if err != nil {
		return fmt.Errorf("read provider list: %w", err)
	}
	var list []providerDoc
	if err := json.Unmarshal(data, &list); err != nil {
		var wrapped struct {
			Value []providerDoc `json:"value"`
		}
		if json.Unmarshal(data, &wrapped) != nil {
			return fmt.Errorf("parse provider list: %w", err)
		}
		list = wrapped.Value
	}
	for _, p := range list {
		for _, t := range p.ResourceTypes {
			if t.Capabilities != "" {
				a.capabilities[folded(p.Namespace+"/"+t.ResourceType)] = t.Capabilities
			}
			if err := a.loadProviderRows(p.Namespace+"/"+t.ResourceType, t.Aliases); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Aliases) loadProviderRows(resourceType string, rows []providerRow) error {
	for _, in := range rows {
		row, err := in.alias()
		if err != nil {
			return fmt.Errorf("provider list: alias %q: %w", clip(in.Name), err)
		}
		if row != nil {
			a.add(resourceType, in.Name, row)
			a.known[folded(resourceType)] = true
		}
	}
	return nil
}

// alias converts a row; one without any path is nil: it names nothing.
func (r providerRow) alias() (*alias, error) {
	row := &alias{unmodifiable: r.unmodifiable()}
	text := r.DefaultPath
	if text == "" && len(r.Paths) > 0 {
		text = r.Paths[0].Path
	}
	if text == "" {
		return nil, nil
	}
	var err error
	if row.path, err = ParsePath(text); err != nil {
		return nil, err
	}
	for _, p := range r.Paths {
		path, err := ParsePath(p.Path)
		if err != nil {
			return nil, err
		}
		for _, v := range p.APIVersions {
			if row.versions == nil {
				row.versions = map[string]Path{}
			}
			row.versions[folded(v)] = path
		}
	}
	return row, nil
}

// unmodifiable is true when the provider states attributes and Modifiable is
// among them for no version.
func (r providerRow) unmodifiable() bool {
	stated := r.DefaultMetadata.Attributes
	for _, p := range r.Paths {
		stated += p.Metadata.Attributes
	}
	return stated != "" && !strings.Contains(stated, "Modifiable")
}

// LoadFile adds a table by its file name: a provider list if it ends in .json,
// rows otherwise; .gz is unpacked.
func (a *Aliases) LoadFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open alias table: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	var r io.Reader = f
	plain := strings.TrimSuffix(folded(name), ".gz")
	if plain != folded(name) {
		z, err := gzip.NewReader(f)
		if err != nil {
			return fmt.Errorf("unpack %s: %w", filepath.Base(name), err)
		}
		r = io.LimitReader(z, maxAliasBytes)
	}
	if strings.HasSuffix(plain, ".json") {
		err = a.LoadProviders(r)
	} else {
		err = a.LoadTSV(r)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}
