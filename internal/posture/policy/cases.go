package policy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// maxCaseLine is the largest line of a case file in bytes.
const maxCaseLine = 16 << 20

// CaseOptions say how a case file is run.
type CaseOptions struct {
	// AliasesDir is where the alias tables lie that cases name; "catalog"
	// stands for aliases.tsv.gz over the table that ships, for that alone without
	// a folder. Only cases that name one need it.
	AliasesDir string
	// Options are the language options; DirectPaths and UnboundParameters are
	// always on: cases use paths for fields and leave parameters out.
	Options Options
	// Now is utcNow() of cases whose context does not say.
	Now time.Time
}

// testCase is one line of a case file.
type testCase struct {
	ID             string           `json:"id"`
	Rule           json.RawMessage  `json:"policyRule"`
	Definition     json.RawMessage  `json:"policyDefinition"`
	Raw            *string          `json:"rawPolicy"`
	RawKind        string           `json:"rawKind"`
	Resource       json.RawMessage  `json:"resource"`
	Parameters     json.RawMessage  `json:"parameters"`
	APIVersion     string           `json:"apiVersion"`
	Context        json.RawMessage  `json:"context"`
	RequestContext json.RawMessage  `json:"requestContext"`
	Related        []relatedAnswer  `json:"related"`
	Aliases        string           `json:"aliases"`
	Expect         *caseExpectation `json:"expect"`
	Unavailable    []string         `json:"unavailable"`
}

type caseExpectation struct {
	Match  *bool  `json:"match"`
	Effect string `json:"effect"`
	State  string `json:"state"`
	Error  string `json:"error"`
}

// caseResult is one line of the answer.
type caseResult struct {
	ID      string `json:"id"`
	Match   *bool  `json:"match"`
	Effect  string `json:"effect,omitempty"`
	Details *Value `json:"details,omitempty"`
	Error   string `json:"error,omitempty"` // parse, compile or eval
	Message string `json:"message,omitempty"`
	// State is unknown when the result depends on what was not delivered.
	State string `json:"state,omitempty"`
}

// EvalCases answers a case file, one JSON object a line, with one JSON object
// a line in the same order. Lines that are no case are skipped and named in
// the returned error; everything else has its answer then.
func EvalCases(r io.Reader, w io.Writer, opt CaseOptions) error {
	opt.Options.DirectPaths, opt.Options.UnboundParameters = true, true
	runner := &caseRunner{CaseOptions: opt, tables: map[string]*Aliases{}}
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, maxCaseLine)
	out := bufio.NewWriter(w)
	var bad []error
	for n := 1; scan.Scan(); n++ {
		line := bytes.TrimSpace(scan.Bytes())
		if len(line) == 0 {
			continue
		}
		var c testCase
		if err := json.Unmarshal(line, &c); err != nil {
			bad = append(bad, fmt.Errorf("line %d is no case: %w", n, err))
			continue
		}
		if err := writeLine(out, runner.answer(&c)); err != nil {
			return fmt.Errorf("write answers: %w", err)
		}
	}
	if err := scan.Err(); err != nil {
		bad = append(bad, fmt.Errorf("read cases: %w", err))
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write answers: %w", err)
	}
	return errors.Join(bad...)
}

func writeLine(w *bufio.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

type caseRunner struct {
	CaseOptions
	tables map[string]*Aliases
}

func (cr *caseRunner) answer(c *testCase) caseResult {
	res := caseResult{ID: c.ID}
	fail := func(kind string, err error) caseResult {
		res.Error, res.Message = kind, err.Error()
		return res
	}
	d, err := c.definition()
	if err != nil {
		return fail("parse", err)
	}
	b, aliases, err := cr.compile(c, d)
	if err != nil {
		return fail("compile", err)
	}
	res.Effect = b.Effect
	if isNull(c.Resource) {
		return res
	}
	truth, details, err := cr.evaluate(c, b, aliases)
	switch {
	case err != nil:
		return fail("eval", err)
	case truth == Open:
		res.State = Unknown.String()
	default:
		match := truth == True
		res.Match, res.Details = &match, details
	}
	return res
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// definition parses whatever the case has as policy.
func (c *testCase) definition() (*Definition, error) {
	switch {
	case c.Raw != nil && c.RawKind == "definition":
		return ParseDefinition([]byte(*c.Raw))
	case c.Raw != nil:
		return bareRule([]byte(*c.Raw))
	case !isNull(c.Definition):
		return ParseDefinition(c.Definition)
	}
	return bareRule(c.Rule)
}

// bareRule makes a definition of a rule alone: all modes, no parameters
// declared.
func bareRule(data []byte) (*Definition, error) {
	v, err := ParseValue(data)
	if err != nil {
		return nil, err
	}
	rule, err := parseRule(v, "")
	if err != nil {
		return nil, err
	}
	return &Definition{Mode: ModeAll, Rule: rule}, nil
}

func (cr *caseRunner) compile(c *testCase, d *Definition) (*Bound, *Aliases, error) {
	aliases, err := cr.table(c.Aliases)
	if err != nil {
		return nil, nil, err
	}
	values, err := valueMap(c.Parameters)
	if err != nil {
		return nil, nil, fmt.Errorf("parameters: %w", err)
	}
	b, err := Bind(d, values, cr.Options)
	if err != nil {
		return nil, nil, err
	}
	if names := b.Unmodifiable(aliases); len(names) > 0 {
		return nil, nil, fmt.Errorf("the alias %s cannot be modified", names[0])
	}
	return b, aliases, nil
}

// valueMap reads an object of plain values.
func valueMap(raw json.RawMessage) (map[string]Value, error) {
	if isNull(raw) {
		return nil, nil
	}
	v, err := ParseValue(raw)
	if err != nil {
		return nil, err
	}
	if v.Kind != Object {
		return nil, fmt.Errorf("must be an object, not %s", v.Kind)
	}
	out := make(map[string]Value, len(v.Fields))
	for _, m := range v.Fields {
		out[m.Key] = m.Value
	}
	return out, nil
}

func (cr *caseRunner) evaluate(c *testCase, b *Bound, aliases *Aliases) (Truth, *Value, error) {
	r, err := NewResource(wire.Document{Body: c.Resource, APIVersion: c.APIVersion, Unavailable: c.Unavailable})
	if err != nil {
		return Failed, nil, err
	}
	hoistTags(r)
	env, now, err := cr.environment(c)
	if err != nil {
		return Failed, nil, err
	}
	e := &Evaluator{Aliases: aliases, Options: cr.Options, Estate: caseEstate(c.Related), Now: now}
	if b.Effect == "disabled" {
		return False, nil, nil
	}
	truth, verdict := e.Match(b, r, env)
	if truth == Failed {
		return truth, nil, errors.New(verdict.Reason)
	}
	if truth != True || b.Then == nil {
		return truth, nil, nil
	}
	details, err := e.run(b, r, r, env).expr(b.Then, nil)
	if err != nil {
		return truth, nil, nil //nolint:nilerr // the verdict stands; what a remediation would write is beside it
	}
	return truth, &details, nil
}

// hoistTags gives a case's resource the tags that it has under properties:
// some cases are written in the flattened form of other engines. Documents of
// an estate are never treated so.
func hoistTags(r *Resource) {
	tags := r.Body.Get("properties").Get("tags")
	if tags.Kind == Object && r.Body.Get("tags").Kind == Missing {
		r.Body = with(r.Body, "tags", tags)
	}
}

// caseGroup and caseSubscription are what resourceGroup() and subscription()
// give in a case without context.
var (
	caseGroup        = ObjectValue(Member{"name", StringValue("myResourceGroup")}, Member{"location", StringValue("eastus")})
	caseSubscription = ObjectValue(Member{"subscriptionId", StringValue("00000000-0000-0000-0000-000000000000")})
)

func (cr *caseRunner) environment(c *testCase) (env Environment, now time.Time, err error) {
	env, now = Environment{ResourceGroup: caseGroup, Subscription: caseSubscription}, cr.Now
	context, err := valueMap(c.Context)
	if err != nil {
		return env, now, fmt.Errorf("context: %w", err)
	}
	get := ObjectValue()
	for key, v := range context {
		get.Fields = append(get.Fields, Member{key, v})
	}
	if v := get.Get("resourceGroup"); v.Kind == Object {
		env.ResourceGroup = v
	}
	if v := get.Get("subscription"); v.Kind == Object {
		env.Subscription = v
	}
	p := get.Get("policy")
	env.Assigned = Assigned{
		AssignmentID: p.Get("assignmentId").Str, DefinitionID: p.Get("definitionId").Str,
		SetDefinitionID: p.Get("setDefinitionId").Str, ReferenceID: p.Get("definitionReferenceId").Str,
	}
	if env.RequestContext, err = requestOf(c, get); err != nil {
		return env, now, fmt.Errorf("requestContext: %w", err)
	}
	if text := get.Get("utcNow").Str; text != "" {
		now, err = parseTime(text)
	}
	return env, now, err
}

func requestOf(c *testCase, context Value) (Value, error) {
	if !isNull(c.RequestContext) {
		return ParseValue(c.RequestContext)
	}
	if v := context.Get("requestContext"); v.Kind == Object {
		return v, nil
	}
	if c.APIVersion != "" {
		return ObjectValue(Member{"apiVersion", StringValue(c.APIVersion)}), nil
	}
	return Value{}, nil
}

// table loads an alias table once; "" is none, which makes names paths.
func (cr *caseRunner) table(name string) (*Aliases, error) {
	if name == "" {
		return nil, nil
	}
	if a := cr.tables[name]; a != nil {
		return a, nil
	}
	file := name
	if name == "catalog" {
		file = "aliases.tsv.gz"
	}
	if file != filepath.Base(file) {
		return nil, fmt.Errorf("alias table %q is no file name", clip(name))
	}
	a := bareAliases() // a named table stands for all that there is
	if name == "catalog" {
		a = NewAliases()
	}
	if name == "catalog" && cr.AliasesDir == "" {
		cr.tables[name] = a
		return a, nil
	}
	if err := a.LoadFile(filepath.Join(cr.AliasesDir, file)); err != nil {
		return nil, err
	}
	cr.tables[name] = a
	return a, nil
}
