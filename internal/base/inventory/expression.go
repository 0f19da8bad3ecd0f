package inventory

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// expressions are the paths of a template resource's body that hold an
// expression where a value would be: only a deployment knows it, so it is
// unknown, not the text. Of arrays the path of the whole is taken. Beyond the
// bound on declared paths all properties are.
func expressions(body []byte) []string {
	var o map[string]any
	if json.Unmarshal(body, &o) != nil {
		return nil
	}
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if name != "dependsOn" { // no rule reads it, and it is all expressions
			paths = appendExpressions(paths, name, o[name])
		}
	}
	if len(paths) > wire.MaxUnavailable {
		return []string{"properties the template has too many expressions"}
	}
	return paths
}

const isExpression = " the template has an expression there"

func appendExpressions(paths []string, path string, value any) []string {
	switch v := value.(type) {
	case string:
		if strings.HasPrefix(v, "[") && !strings.HasPrefix(v, "[[") && strings.HasSuffix(v, "]") {
			paths = append(paths, path+isExpression)
		}
	case []any:
		if slices.ContainsFunc(v, func(e any) bool { return len(appendExpressions(nil, path, e)) > 0 }) {
			paths = append(paths, path+isExpression)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			paths = appendExpressions(paths, path+"."+name, v[name])
		}
	}
	return paths
}
