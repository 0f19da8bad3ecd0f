package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// transformation is one step of a pipeline.
type transformation struct {
	id     string
	when   ruleConditions
	items  conditions[item]
	fields conditions[string]
	run    func(r *rule) error
}

// picks reports whether an item is one that the step is for.
func (t *transformation) picks(r *rule, i item) bool {
	return t.items.on(r, i) && t.fields.on(r, i.field())
}

func parseTransformation(n *yaml.Node) (*transformation, error) {
	p := param{n}
	t := &transformation{id: p.text("id")}
	var err error
	if t.when.conditions, err = readConditions(p, "rule_cond", "rule_conditions", ruleCondition); err != nil {
		return nil, err
	}
	if t.items, err = readConditions(p, "detection_item_cond", "detection_item_conditions", itemCondition); err != nil {
		return nil, err
	}
	if t.fields, err = readConditions(p, "field_name_cond", "field_name_conditions", fieldCondition); err != nil {
		return nil, err
	}
	make, ok := kinds()[p.text("type")]
	if !ok {
		return nil, p.errorf("unknown transformation %q", p.text("type"))
	}
	t.run, err = make(t, p)
	return t, err
}

// kinds are the transformations, by type.
func kinds() map[string]func(*transformation, param) (func(*rule) error, error) {
	return map[string]func(*transformation, param) (func(*rule) error, error){
		"field_name_mapping":        mapFields,
		"field_name_prefix_mapping": mapPrefixes,
		"field_name_prefix":         affix(func(name, s string) string { return s + name }, "prefix"),
		"field_name_suffix":         affix(func(name, s string) string { return name + s }, "suffix"),
		"drop_detection_item":       dropItem,
		"add_condition":             addCondition,
		"change_logsource":          changeLogSource,
		"value_placeholders":        placeholders(false),
		"wildcard_placeholders":     placeholders(true),
		"replace_string":            replaceString,
		"map_string":                mapString,
		"set_value":                 setValue,
		"case":                      changeCase,
		"set_state":                 setState,
		"set_custom_attribute":      setAttribute,
		"rule_failure":              failRule,
		"detection_item_failure":    failItem,
		"nest":                      nest,
	}
}

// rename changes field names: names gives those that take a name's place, nil to
// leave it. Where there are several, one of them must hold.
func (t *transformation) rename(r *rule, names func(string) []string) error {
	err := r.eachMap(func(m *yaml.Node) ([]*yaml.Node, error) {
		alternatives := []*yaml.Node{{Kind: yaml.MappingNode, Tag: "!!map", Line: m.Line}}
		for i := 0; i+1 < len(m.Content); i += 2 {
			it := item{m.Content[i], m.Content[i+1]}
			to := []string{it.field()}
			value := it.value
			if it.field() != "" && t.picks(r, it) {
				if new := names(it.field()); len(new) > 0 {
					to = new
				}
				if it.has("fieldref") {
					value = t.references(r, value, names)
				}
			}
			var next []*yaml.Node
			for _, a := range alternatives {
				for _, name := range to {
					key := renamed(it.key, name)
					if r.touched[it.key] != nil {
						r.touched[key] = r.touched[it.key]
					}
					if name != it.field() {
						r.mark(key, t.id)
					}
					b := *a
					b.Content = append(slices.Clone(a.Content), key, value)
					next = append(next, &b)
				}
			}
			if len(next) > maxAlternatives {
				return nil, fmt.Errorf("line %d: a map has more than %d alternatives", m.Line, maxAlternatives)
			}
			alternatives = next
		}
		return alternatives, nil
	})
	if err != nil {
		return err
	}
	return t.renameCorrelation(r, names)
}

// references renames the fields that fieldref values name.
func (t *transformation) references(r *rule, value *yaml.Node, names func(string) []string) *yaml.Node {
	v := clone(value)
	for _, n := range (item{value: v}).values() {
		if new := names(n.Value); len(new) == 1 && t.fields.on(r, n.Value) {
			n.Value = new[0]
		}
	}
	return v
}

// renameCorrelation changes the fields of a correlation, which cannot be several.
func (t *transformation) renameCorrelation(r *rule, names func(string) []string) error {
	c := get(r.doc, "correlation")
	if c == nil {
		return nil
	}
	aliases := get(c, "aliases")
	nodes := []*yaml.Node{get(get(c, "condition"), "field")}
	if by := get(c, "group-by"); by != nil {
		nodes = append(nodes, (item{value: by}).values()...)
	}
	if aliases != nil {
		for i := 1; i < len(aliases.Content); i += 2 {
			for k := 1; k < len(aliases.Content[i].Content); k += 2 {
				nodes = append(nodes, aliases.Content[i].Content[k])
			}
		}
	}
	for _, n := range nodes {
		if n == nil || get(aliases, n.Value) != nil || !t.fields.on(r, n.Value) {
			continue
		}
		switch new := names(n.Value); len(new) {
		case 0:
		case 1:
			n.Value = new[0]
		default:
			return fmt.Errorf("line %d: %q of a correlation would be several fields", n.Line, n.Value)
		}
	}
	return nil
}

// table reads a map from text to one or more texts.
func (p param) table(key string) (map[string][]string, error) {
	m := get(p.n, key)
	if m == nil || m.Kind != yaml.MappingNode {
		return nil, p.errorf("there is no map %s", key)
	}
	out := map[string][]string{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		values, err := scalars(m.Content[i+1])
		if err != nil {
			return nil, p.errorf("%s %q: %s", key, m.Content[i].Value, err)
		}
		out[m.Content[i].Value] = values
	}
	return out, nil
}

func mapFields(t *transformation, p param) (func(*rule) error, error) {
	table, err := p.table("mapping")
	return func(r *rule) error {
		return t.rename(r, func(name string) []string { return table[name] })
	}, err
}

func mapPrefixes(t *transformation, p param) (func(*rule) error, error) {
	table, err := p.table("mapping")
	return func(r *rule) error {
		return t.rename(r, func(name string) []string {
			best := ""
			for prefix := range table {
				if strings.HasPrefix(name, prefix) && len(prefix) > len(best) {
					best = prefix
				}
			}
			var out []string
			for _, to := range table[best] {
				out = append(out, to+name[len(best):])
			}
			return out
		})
	}, err
}

func affix(join func(name, s string) string, key string) func(*transformation, param) (func(*rule) error, error) {
	return func(t *transformation, p param) (func(*rule) error, error) {
		s := p.text(key)
		if s == "" {
			return nil, p.errorf("there is no %s", key)
		}
		return func(r *rule) error {
			return t.rename(r, func(name string) []string { return []string{join(name, s)} })
		}, nil
	}
}

// dropItem takes items out of the selections. One that is left with nothing
// would match everything: the rule is refused.
func dropItem(t *transformation, p param) (func(*rule) error, error) {
	return func(r *rule) error {
		return r.eachMap(func(m *yaml.Node) ([]*yaml.Node, error) {
			left := *m
			left.Content = nil
			for i := 0; i+1 < len(m.Content); i += 2 {
				if it := (item{m.Content[i], m.Content[i+1]}); !t.picks(r, it) {
					left.Content = append(left.Content, it.key, it.value)
				}
			}
			if len(left.Content) == 0 && len(m.Content) > 0 {
				return nil, fmt.Errorf("line %d: nothing is left of the selection", m.Line)
			}
			return []*yaml.Node{&left}, nil
		})
	}, nil
}

func addCondition(t *transformation, p param) (func(*rule) error, error) {
	given := get(p.n, "conditions")
	if given == nil || given.Kind != yaml.MappingNode || len(given.Content) == 0 {
		return nil, p.errorf("there is no map conditions")
	}
	name, negated, template := p.text("name"), p.text("negated") == "true", p.text("template") == "true"
	return func(r *rule) error {
		if r.detection == nil {
			return nil
		}
		selection := clone(given)
		if template {
			for i := 1; i < len(selection.Content); i += 2 {
				for _, v := range (item{value: selection.Content[i]}).values() {
					v.Value = strings.NewReplacer("$category", r.logSource("category"), "$product", r.logSource("product"), "$service", r.logSource("service")).Replace(v.Value)
				}
			}
		}
		as := name
		for n := 0; as == "" || get(r.detection, as) != nil; n++ {
			as = fmt.Sprintf("_pipeline_%d", n)
		}
		not := ""
		if negated {
			not = "not "
		}
		texts := r.conditionTexts()
		if len(texts) == 0 {
			return errors.New("the rule has no condition")
		}
		for _, c := range texts {
			c.Value = not + as + " and (" + c.Value + ")"
		}
		set(r.detection, as, selection)
		return nil
	}, nil
}

func changeLogSource(t *transformation, p param) (func(*rule) error, error) {
	keys := []string{"category", "product", "service"}
	if !slices.ContainsFunc(keys, func(k string) bool { return p.text(k) != "" }) {
		return nil, p.errorf("it names neither category nor product nor service")
	}
	return func(r *rule) error {
		if r.detection == nil {
			return nil
		}
		source := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: r.doc.Line}
		for _, k := range keys {
			if v := p.text(k); v != "" {
				set(source, k, text(v, r.doc.Line))
			}
		}
		if d := get(get(r.doc, "logsource"), "definition"); d != nil {
			set(source, "definition", d)
		}
		set(r.doc, "logsource", source)
		return nil
	}, nil
}

// eachItem changes the items that the step is for.
func (t *transformation) eachItem(r *rule, fn func(i item) (item, error)) error {
	return r.eachMap(func(m *yaml.Node) ([]*yaml.Node, error) {
		out := *m
		out.Content = slices.Clone(m.Content)
		for i := 0; i+1 < len(out.Content); i += 2 {
			it := item{out.Content[i], out.Content[i+1]}
			if !t.picks(r, it) {
				continue
			}
			changed, err := fn(it)
			if err != nil {
				return nil, err
			}
			if r.touched[it.key] != nil {
				r.touched[changed.key] = r.touched[it.key]
			}
			r.mark(changed.key, t.id)
			out.Content[i], out.Content[i+1] = changed.key, changed.value
		}
		return []*yaml.Node{&out}, nil
	})
}

// eachText gives each text value of the picked items to fn, which answers with
// those that take its place.
func (t *transformation) eachText(r *rule, fn func(s string) []string) error {
	return t.eachItem(r, func(i item) (item, error) {
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: i.value.Line}
		for _, v := range i.values() {
			if v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
				list.Content = append(list.Content, v)
				continue
			}
			for _, s := range fn(v.Value) {
				c := *v
				if c.Value = s; s != v.Value {
					c.Tag = "!!str"
				}
				list.Content = append(list.Content, &c)
			}
		}
		i.value = list
		if len(list.Content) == 1 {
			i.value = list.Content[0]
		}
		return i, nil
	})
}

var placeholder = regexp.MustCompile(`%([A-Za-z0-9_.-]+)%`)

// maxValues bounds what placeholders make of one value.
const maxValues = 10_000

// placeholders gives placeholders of items with expand their values: those of the
// pipeline's variables, or a wildcard.
func placeholders(wild bool) func(*transformation, param) (func(*rule) error, error) {
	return func(t *transformation, p param) (func(*rule) error, error) {
		include, err1 := p.list("include")
		exclude, err2 := p.list("exclude")
		if err := errors.Join(err1, err2); err != nil {
			return nil, p.errorf("%s", err)
		}
		return func(r *rule) error {
			values := func(name string) []string {
				switch {
				case len(include) > 0 && !slices.Contains(include, name), slices.Contains(exclude, name):
					return nil
				case wild:
					return []string{"*"}
				}
				return r.vars[name]
			}
			return t.eachItem(r, func(i item) (item, error) {
				if !i.has("expand") {
					return i, nil
				}
				return expandItem(i, values)
			})
		}, nil
	}
}

// expandItem gives the placeholders of an item their values; without any left it
// has no expand modifier any more.
func expandItem(i item, values func(string) []string) (item, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: i.value.Line}
	open := false
	for _, v := range i.values() {
		for _, s := range expandText(v.Value, values, &open) {
			c := *v
			c.Value = s
			list.Content = append(list.Content, &c)
		}
		if len(list.Content) > maxValues {
			return i, fmt.Errorf("line %d: placeholders make more than %d values", i.key.Line, maxValues)
		}
	}
	i.value = list
	if len(list.Content) == 1 {
		i.value = list.Content[0]
	}
	if !open {
		key := *i.key
		parts := slices.DeleteFunc(strings.Split(key.Value, "|"), func(m string) bool { return strings.EqualFold(m, "expand") })
		key.Value = strings.Join(parts, "|")
		i.key = &key
	}
	return i, nil
}

func expandText(s string, values func(string) []string, open *bool) []string {
	out, from := []string{""}, 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(s, -1) {
		with := values(s[at[2]:at[3]])
		if len(with) == 0 {
			*open = true
			continue
		}
		var next []string
		for _, head := range out {
			for _, v := range with {
				if len(next) <= maxValues {
					next = append(next, head+s[from:at[0]]+v)
				}
			}
		}
		out, from = next, at[1]
	}
	for i := range out {
		out[i] += s[from:]
	}
	return out
}

// groupReference is how Python writes groups in replacements.
var groupReference = regexp.MustCompile(`\\(\d+|g<(\w+)>)`)

func replaceString(t *transformation, p param) (func(*rule) error, error) {
	re, err := regexp.Compile(p.text("regex"))
	if err != nil {
		return nil, p.errorf("regex: %s", err)
	}
	to := groupReference.ReplaceAllString(strings.ReplaceAll(p.text("replacement"), "$", "$$"), "$${$1}")
	to = strings.NewReplacer("${g<", "${", ">}", "}").Replace(to)
	return func(r *rule) error {
		return t.eachText(r, func(s string) []string { return []string{re.ReplaceAllString(s, to)} })
	}, nil
}

func mapString(t *transformation, p param) (func(*rule) error, error) {
	table, err := p.table("mapping")
	return func(r *rule) error {
		return t.eachText(r, func(s string) []string {
			if to, ok := table[s]; ok {
				return to
			}
			return []string{s}
		})
	}, err
}

func setValue(t *transformation, p param) (func(*rule) error, error) {
	v := get(p.n, "value")
	if v == nil || v.Kind != yaml.ScalarNode {
		return nil, p.errorf("there is no value")
	}
	return func(r *rule) error {
		return t.eachItem(r, func(i item) (item, error) {
			i.value = clone(v)
			return i, nil
		})
	}, nil
}

func changeCase(t *transformation, p param) (func(*rule) error, error) {
	change := map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper}[p.text("method")]
	if change == nil {
		return nil, p.errorf("method %q is neither lower nor upper", p.text("method"))
	}
	return func(r *rule) error {
		return t.eachText(r, func(s string) []string { return []string{change(s)} })
	}, nil
}

func setState(t *transformation, p param) (func(*rule) error, error) {
	key, value := p.text("key"), p.text("val")
	return func(r *rule) error {
		r.state[key] = value
		return nil
	}, nil
}

func setAttribute(t *transformation, p param) (func(*rule) error, error) {
	key, value := p.text("attribute"), get(p.n, "value")
	if key == "" || value == nil {
		return nil, p.errorf("it needs attribute and value")
	}
	return func(r *rule) error {
		set(r.doc, key, clone(value))
		return nil
	}, nil
}

func failRule(t *transformation, p param) (func(*rule) error, error) {
	message := p.text("message")
	return func(*rule) error { return errors.New(message) }, nil
}

func failItem(t *transformation, p param) (func(*rule) error, error) {
	message := p.text("message")
	return func(r *rule) error {
		return t.eachItem(r, func(i item) (item, error) {
			return i, fmt.Errorf("line %d: %s", i.key.Line, message)
		})
	}, nil
}

// nest is a list of transformations under common conditions.
func nest(t *transformation, p param) (func(*rule) error, error) {
	list := get(p.n, "items")
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil, p.errorf("there is no list items")
	}
	var steps []*transformation
	for _, n := range list.Content {
		s, err := parseTransformation(n)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return func(r *rule) error {
		for _, s := range steps {
			if !s.when.holds(r) {
				continue
			}
			if err := s.run(r); err != nil {
				return err
			}
			if s.id != "" {
				r.applied[s.id] = true
			}
		}
		return nil
	}, nil
}
