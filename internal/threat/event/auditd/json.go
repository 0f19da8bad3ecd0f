package auditd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// jsonView reads events that a tool has joined and written as one JSON object a
// line: LAUREL, whose keys are the types of lines, and Auditbeat.
type jsonView struct{ view *view }

var errNotAudit = errors.New("it is no audit event: neither ID with types of lines (LAUREL) nor auditd (Auditbeat)")

// object is a JSON object.
type object = map[string]any

func (j *jsonView) fill(r *event.Record, b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var doc object
	if err := dec.Decode(&doc); err != nil {
		return fmt.Errorf("it is no valid JSON: %w", err)
	}
	v := j.view
	v.start(r)
	r.Raw = b
	switch {
	case text(doc["ID"]) != "":
		j.laurel(doc)
	case at(doc, "auditd") != nil:
		j.auditbeat(doc)
	default:
		return errNotAudit
	}
	v.finish()
	return nil
}

// text is a string or number, "" for anything else.
func text(x any) string {
	switch x := x.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return fmt.Sprint(x)
	}
	return ""
}

// at is the object at a path, nil if there is none.
func at(doc object, path ...string) object {
	for _, key := range path {
		doc, _ = doc[key].(object)
	}
	return doc
}

func (j *jsonView) laurel(doc object) {
	v := j.view
	var stamp id
	if stamp.parse([]byte(text(doc["ID"]))) {
		v.rec.SetTime(stamp.time())
	}
	if node := text(doc["NODE"]); node != "" {
		v.rec.AddString("node", node)
	}
	v.execve = doc["EXECVE"] != nil
	for _, kind := range slices.Sorted(maps.Keys(doc)) {
		switch x := doc[kind].(type) {
		case object:
			j.part(kind, x)
		case []any:
			for _, item := range x {
				if o, ok := item.(object); ok {
					j.part(kind, o)
				}
			}
		}
	}
}

// part adds one line of an event.
func (j *jsonView) part(kind string, fields object) {
	v := j.view
	if kind == "PARENT_INFO" {
		v.parent(strings.Join(list(fields["ARGV"]), " "), text(fields["exe"]))
		return
	}
	v.kind, v.path = v.keep(kind), path{}
	v.rec.Add(typeName, v.kind)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		j.field(kind, name, fields[name])
	}
	if kind == "PATH" {
		v.file()
	}
}

func (j *jsonView) field(kind, name string, value any) {
	v := j.view
	switch {
	case name == "ARGV" && kind == "EXECVE":
		j.arguments(list(value))
	case name == "ARGV" || name == "argv":
		v.field([]byte("proctitle"), v.keep(strings.Join(list(value), " ")), true, false)
	case strings.ToUpper(name) == name && strings.ToLower(name) != name:
		v.field(v.keep(name), v.keep(text(value)), true, true)
	default:
		for _, s := range append(list(value), text(value)) {
			if s != "" {
				v.field(v.keep(name), v.keep(s), true, false)
			}
		}
	}
}

// arguments adds the arguments of a started process.
func (j *jsonView) arguments(list []string) {
	for i, arg := range list {
		j.view.addArgument(j.view.keep(fmt.Sprint("a", i)), j.view.keep(arg))
	}
}

func list(x any) (out []string) {
	items, _ := x.([]any)
	for _, item := range items {
		out = append(out, text(item))
	}
	return out
}

// auditbeat reads the Elastic Common Schema as Auditbeat fills it.
func (j *jsonView) auditbeat(doc object) {
	v := j.view
	v.rec.SetTimeText(event.Value{Raw: v.keep(text(doc["@timestamp"]))})
	data, process, user := at(doc, "auditd", "data"), at(doc, "process"), at(doc, "user")
	call := text(data["syscall"])
	args := list(process["args"])
	v.execve = len(args) > 0 && strings.HasPrefix(call, "execve")
	v.kind = v.keep(strings.ToUpper(text(at(doc, "auditd")["message_type"])))
	v.rec.Add(typeName, v.kind)
	for _, name := range slices.Sorted(maps.Keys(data)) {
		j.field(string(v.kind), name, data[name])
	}
	v.pair("success", map[string]string{"success": "yes", "fail": "no"}[text(at(doc, "auditd")["result"])])
	v.pair("exe", text(process["executable"]))
	v.pair("comm", text(process["name"]))
	v.pair("pid", text(process["pid"]))
	v.pair("ppid", first(text(at(process, "parent")["pid"]), text(process["ppid"])))
	v.pair("cwd", text(process["working_directory"]))
	v.pair("proctitle", text(process["title"]))
	v.pair("uid", text(user["id"]))
	v.pair("key", strings.Join(list(doc["tags"]), " "))
	v.seen.user, v.seen.name = v.keep(text(user["name"])), v.keep(call)
	v.pair("SYSCALL", call)
	if v.execve {
		v.kind = []byte("EXECVE")
		v.rec.Add(typeName, v.kind)
		j.arguments(args)
	}
	paths, _ := at(doc, "auditd")["paths"].([]any)
	for _, item := range paths {
		if o, ok := item.(object); ok {
			j.part("PATH", o)
		}
	}
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// keep is a string as bytes of the record, nil if it is empty.
func (v *view) keep(s string) []byte {
	if s == "" {
		return nil
	}
	return v.rec.Keep([]byte(s))
}

// pair adds a field, unless it is empty.
func (v *view) pair(name, value string) {
	if value != "" {
		v.field([]byte(name), v.keep(value), true, false)
	}
}

// parent notes what the event itself says of the parent.
func (v *view) parent(command, image string) {
	v.seen.parentCommand, v.seen.parentImage = v.keep(command), v.keep(image)
}
