// Command gen makes the table of package provider from public lists: rows
// "type, alias, path" (an alias dump), and the folder of resource schemas of the
// azapi provider for Terraform (index.json and types.json, as published in its
// module), which say whether a type has tags and a location.
//
// It must never import anything but package provider and what that imports.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy/provider"
)

func main() {
	aliases := flag.String("aliases", "", "alias rows, TSV, packed with gzip")
	schemas := flag.String("schemas", "", `folder "internal/azure/generated" of the azapi provider; "" keeps what is known of types`)
	source := flag.String("source", "", "where the facts come from and of which date they are, one line")
	out := flag.String("out", "known.zst", "file to write")
	flag.Parse()
	if err := run(*aliases, *schemas, *source, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(aliases, schemas, source, out string) error {
	rows, err := readAliases(aliases)
	if err != nil {
		return err
	}
	indexed := map[string]bool{}
	if schemas == "" {
		for typ := range provider.Known().Types() {
			if both, known := provider.Known().Indexed(strings.ToLower(typ)); known {
				indexed[typ] = both
			}
		}
	} else if indexed, err = readSchemas(schemas); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := provider.Write(&b, source, rows, indexed); err != nil {
		return err
	}
	return os.WriteFile(out, b.Bytes(), 0o644) //nolint:gosec // a source file
}

func readAliases(name string) ([]provider.Alias, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var rows []provider.Alias
	for scan := bufio.NewScanner(z); scan.Scan(); {
		cols := strings.Split(scan.Text(), "\t")
		if len(cols) != 3 {
			return nil, fmt.Errorf("%q is no alias", scan.Text())
		}
		if cols[0] == "" {
			cols[0] = provider.Owner(cols[1])
		}
		rows = append(rows, provider.Alias{Type: cols[0], Name: cols[1], Path: cols[2]})
	}
	return rows, nil
}

// schemaType is a type of a types.json, as far as it is read.
type schemaType struct {
	Kind string `json:"$type"`
	Body struct {
		Ref string `json:"$ref"`
	} `json:"body"`
	Properties     map[string]json.RawMessage `json:"properties"`
	BaseProperties map[string]json.RawMessage `json:"baseProperties"`
}

func readSchemas(dir string) (map[string]bool, error) {
	var index struct {
		Resources map[string]struct {
			Ref string `json:"$ref"`
		} `json:"resources"`
	}
	if err := readJSON(filepath.Join(dir, "index.json"), &index); err != nil {
		return nil, err
	}
	newest := map[string]string{} // "type@version" by folded type: versions spell types in several ways
	for name := range index.Resources {
		typ, version, _ := strings.Cut(name, "@")
		_, other, _ := strings.Cut(newest[strings.ToLower(typ)], "@")
		if version > other {
			newest[strings.ToLower(typ)] = name
		}
	}
	out := map[string]bool{}
	for typ, name := range newest {
		has := map[string]bool{}
		if err := readProperties(dir, index.Resources[name].Ref, has); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[typ] = has["tags"] && has["location"] && !childrenWithout(typ)
	}
	return out, nil
}

func readProperties(dir, ref string, has map[string]bool) error {
	file, number, _ := strings.Cut(ref, "#/")
	var types []schemaType
	if err := readJSON(filepath.Join(dir, file), &types); err != nil {
		return err
	}
	for {
		n, err := strconv.Atoi(number)
		if err != nil || n >= len(types) {
			return fmt.Errorf("%s has no type %q", file, number)
		}
		for _, properties := range []map[string]json.RawMessage{types[n].Properties, types[n].BaseProperties} {
			for name := range properties {
				has[name] = true
			}
		}
		if types[n].Kind != "ResourceType" {
			return nil
		}
		number = types[n].Body.Ref[len("#/"):]
	}
}

// childrenWithout names types whose schema inherits tags and location from a
// common base, but which the documented list of types that support tags does
// not have: objects in vaults, in database accounts and in scale sets, links.
func childrenWithout(typ string) bool {
	typ = strings.ToLower(typ)
	for _, parent := range []string{
		"microsoft.keyvault/vaults/", "microsoft.keyvault/managedhsms/", "microsoft.documentdb/databaseaccounts/",
		"microsoft.recoveryservices/vaults/", "microsoft.compute/virtualmachinescalesets/virtualmachines", "microsoft.servicefabric/clusters/",
	} {
		if strings.HasPrefix(typ, parent) {
			return true
		}
	}
	return strings.HasSuffix(typ, "/privateendpointconnections")
}

func readJSON(name string, into any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}
