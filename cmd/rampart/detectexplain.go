package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rampart-sec/rampart/internal/threat/detect"
	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

// explainedEvent is a line of detect explain --format json.
type explainedEvent struct {
	RuleID     string       `json:"ruleId"`
	Title      string       `json:"title"`
	File       string       `json:"file"`
	Index      int          `json:"index"`
	LogSource  string       `json:"logSource"` // of the event
	Meant      bool         `json:"meant"`
	Matches    bool         `json:"matches"`
	Condition  string       `json:"condition"`
	Selections []sigma.Part `json:"selections"`
}

// runDetectExplain evaluates rules on events field by field.
func runDetectExplain(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("detect explain", std)
	var d detectFlags
	d.add(fs)
	id := fs.String("rule", "", "id, name or title of the rule; all that are meant for the event if not given")
	index := fs.Int("index", 0, "number of the event in its file, from 0; -1 is all of them")
	format := fs.String("format", "text", "text or json")
	if err := parse(fs, std, args, 1, -1); err != nil {
		return err
	}
	if *format != "text" && *format != "json" {
		return fmt.Errorf("--format %q: want text or json", *format)
	}
	files, err := d.open(std)
	if err != nil {
		return err
	}
	rules, err := pickRules(files.Program, *id)
	if err != nil {
		return err
	}
	seen := 0
	err = readFiles(ctx, std, fs.Args(), func(name string, in io.Reader) error {
		return files.Records(ctx, name, in, func(at detect.Place, rec *event.Record) error {
			if *index >= 0 && at.Index != *index {
				return nil
			}
			seen++
			return explainRecord(std.out, rules, *id == "", at, rec, *format)
		})
	})
	if err == nil && seen == 0 {
		return fmt.Errorf("there is no event %d", *index)
	}
	return err
}

func pickRules(p *detect.Program, id string) (rules []*sigma.Rule, err error) {
	for _, r := range p.Rules() {
		if id == "" || strings.EqualFold(r.ID, id) || strings.EqualFold(r.Name, id) || strings.EqualFold(r.Title, id) {
			rules = append(rules, r)
		}
	}
	if len(rules) > 0 {
		return rules, nil
	}
	for _, f := range p.Failed() {
		if strings.Contains(f.File, id) {
			return nil, f
		}
	}
	return nil, errors.New("there is no such rule")
}

func explainRecord(out io.Writer, rules []*sigma.Rule, meantOnly bool, at detect.Place, rec *event.Record, format string) error {
	for _, r := range rules {
		x := r.Explain(rec)
		if meantOnly && !x.Meant {
			continue
		}
		if format == "json" {
			e := explainedEvent{r.Key(), r.Title, at.File, at.Index, rec.Kind.String(), x.Meant, x.Matches, x.Condition, x.Selections}
			enc := json.NewEncoder(out)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(e); err != nil {
				return err
			}
			continue
		}
		if err := writeExplanation(out, x, at, rec); err != nil {
			return err
		}
	}
	return nil
}

func writeExplanation(out io.Writer, x *sigma.Explanation, at detect.Place, rec *event.Record) error {
	var b strings.Builder
	verdict := "does not match"
	switch {
	case x.Matches:
		verdict = "matches"
	case !x.Meant:
		verdict = "is not meant for"
	}
	fmt.Fprintf(&b, "%s %s event %d of %s\n", clean(x.Rule.Title), verdict, at.Index, clean(at.File))
	fmt.Fprintf(&b, "  log source  rule %s, event %s\n", sourceText(x.Rule.LogSource), clean(rec.Kind.String()))
	fmt.Fprintf(&b, "  condition   %s\n", clean(x.Condition))
	for i := range x.Selections {
		writePart(&b, &x.Selections[i], 1)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func sourceText(l sigma.LogSource) string {
	return clean(strings.Join([]string{l.Product, l.Category, l.Service}, "/"))
}

// maxWanted is how many wanted values a line shows; the JSON has all.
const maxWanted = 6

func writePart(b *strings.Builder, p *sigma.Part, depth int) {
	mark := map[bool]string{true: "+", false: "-"}[p.Holds]
	fmt.Fprintf(b, "%s%s ", strings.Repeat("  ", depth), mark)
	if p.Name != "" {
		fmt.Fprintf(b, "%s: ", clean(p.Name))
	}
	if p.Join != "" {
		fmt.Fprintf(b, "%s of\n", p.Join)
		for i := range p.Parts {
			writePart(b, &p.Parts[i], depth+1)
		}
		return
	}
	found := "found " + shortTexts(p.Found, 3)
	switch {
	case p.Key == "" || strings.HasPrefix(p.Key, "|"):
		found = "in the whole event"
	case p.Absent:
		found = "the event has no such field"
	}
	wanted := "wanted " + shortTexts(p.Wanted, maxWanted)
	if p.Holds && p.Hit != "" {
		wanted = "wanted " + short(p.Hit, 100)
	}
	fmt.Fprintf(b, "%s (line %d): %s; %s\n", clean(p.Key), p.Line, found, wanted)
}

func shortTexts(list []string, most int) string {
	var texts []string
	for i, s := range list {
		if i == most {
			texts = append(texts, fmt.Sprintf("... and %d more", len(list)-most))
			break
		}
		texts = append(texts, short(s, 100))
	}
	return strings.Join(texts, " | ")
}
