// Command gen writes docs/recommendations.md from the content. It is run by go
// generate in content/ and must never be imported.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rampart-sec/rampart/content"
)

func main() {
	if err := run(filepath.Join("..", "docs", "recommendations.md")); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(name string) error {
	library, err := content.Load()
	if err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := library.WriteCatalog(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
