package policy

import (
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// signature is the number of arguments that a function takes; max -1 means
// any number.
type signature struct{ min, max int }

func (s signature) String() string {
	switch {
	case s.max < 0:
		return fmt.Sprintf("%d or more arguments", s.min)
	case s.min == s.max && s.min == 1:
		return "1 argument"
	case s.min == s.max:
		return fmt.Sprintf("%d arguments", s.min)
	}
	return fmt.Sprintf("%d to %d arguments", s.min, s.max)
}

// signatures are all functions of the language: those that look at the
// evaluation first, then the pure ones (functions.go has the same names).
var signatures = map[string]signature{
	"parameters": {1, 1}, "field": {1, 1}, "current": {0, 1}, "requestcontext": {0, 0}, "policy": {0, 0},
	"resourcegroup": {0, 0}, "subscription": {0, 0}, "utcnow": {0, 1}, "if": {3, 3},

	"and": {1, -1}, "or": {1, -1}, "not": {1, 1}, "true": {0, 0}, "false": {0, 0}, "null": {0, 0}, "bool": {1, 1},
	"equals": {2, 2}, "notequals": {2, 2}, "less": {2, 2}, "lessorequals": {2, 2}, "greater": {2, 2}, "greaterorequals": {2, 2},
	"contains": {2, 2}, "coalesce": {1, -1}, "empty": {1, 1}, "length": {1, 1}, "first": {1, 1}, "last": {1, 1},
	"array": {1, 1}, "createarray": {0, -1}, "createobject": {0, -1}, "union": {1, -1}, "intersection": {1, -1},
	"range": {2, 2}, "min": {1, -1}, "max": {1, -1}, "skip": {2, 2}, "take": {2, 2}, "items": {1, 1},
	"objectkeys": {1, 1}, "tryget": {2, -1}, "flatten": {1, 1},
	"indexfromend": {2, 2}, "tryindexfromend": {2, 2},
	"shallowmerge": {1, 1},
	"add":          {2, 2}, "sub": {2, 2}, "mul": {2, 2}, "div": {2, 2}, "mod": {2, 2}, "int": {1, 1}, "float": {1, 1},
	"concat": {0, -1}, "string": {1, 1}, "tolower": {1, 1}, "toupper": {1, 1}, "trim": {1, 1}, "replace": {3, 3},
	"split": {2, 2}, "join": {2, 2}, "substring": {2, 3}, "startswith": {2, 2}, "endswith": {2, 2},
	"indexof": {2, 2}, "lastindexof": {2, 2}, "padleft": {2, 3}, "format": {1, -1}, "guid": {1, -1},
	"uniquestring": {1, -1}, "json": {1, 1}, "base64": {1, 1}, "base64tostring": {1, 1}, "base64tojson": {1, 1},
	"datauri": {1, 1}, "datauritostring": {1, 1}, "uri": {2, 2}, "uricomponent": {1, 1}, "uricomponenttostring": {1, 1},
	"adddays": {2, 3}, "datetimeadd": {2, 3}, "datetimefromepoch": {1, 1}, "datetimetoepoch": {1, 1},
	"iprangecontains": {2, 2}, "parsecidr": {1, 1}, "cidrsubnet": {3, 3}, "cidrhost": {2, 2},
}

// templateOnly are functions of deployment templates that rules may not use.
var templateOnly = map[string]bool{
	"copyindex": true, "deployment": true, "environment": true, "extensionresourceid": true, "lambda": true,
	"filter": true, "map": true, "reduce": true, "sort": true, "toobject": true, "groupby": true, "lambdavariables": true,
	"managementgroup": true, "newguid": true, "pickzones": true, "providers": true, "reference": true,
	"resourceid": true, "subscriptionresourceid": true, "tenantresourceid": true, "managementgroupresourceid": true,
	"tenant": true, "variables": true, "list": true, "listkeys": true, "listsecrets": true, "deployer": true,
}

func unknownFunction(name string) string {
	if templateOnly[arm.Fold(name)] {
		return fmt.Sprintf("%s() belongs to deployment templates; rules may not call it", name)
	}
	return fmt.Sprintf("there is no function %s()", name)
}
