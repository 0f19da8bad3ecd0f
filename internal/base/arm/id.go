package arm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// Limits of a resource id. Longer ids are refused before they are parsed.
const (
	MaxIDLength = 2048
	maxSegments = 64
)

// ErrInvalidID is wrapped by every error of ParseID.
var ErrInvalidID = errors.New("invalid resource id")

// ID is a parsed, well-formed ARM resource id: a tenant-level, management
// group, subscription, resource group or resource id, extension resources
// included. The zero ID is the tenant root "/". Ids compare without case: use
// Key or Equal, never ==. What was written is kept for display.
type ID struct {
	raw string // canonical spelling, without trailing slash; "" for the tenant root
	typ string // "Microsoft.Compute/virtualMachines", "" for the tenant root
	// offsets into raw
	nameStart   int // last segment
	parentEnd   int // end of the parent's id
	groupEnd    int // end of the resource group prefix, 0 if there is none
	subEnd      int // end of the subscription prefix, 0 if there is none
	scopeEnd    int // end of what the last /providers/ segment hangs on
	isExtension bool
}

// Types of the containers.
const (
	TypeSubscription    = "Microsoft.Resources/subscriptions"
	TypeResourceGroup   = "Microsoft.Resources/subscriptions/resourceGroups"
	TypeManagementGroup = "Microsoft.Management/managementGroups"
	TypeTenant          = "Microsoft.Resources/tenants"
)

// CanonicalType gives a resource type in the form that ids have. ARM's lists and
// templates name resource groups by a short type, and older lists of
// management groups put "/providers/" in front.
func CanonicalType(typ string) string {
	if len(typ) > len("/providers/") && strings.EqualFold(typ[:len("/providers/")], "/providers/") {
		typ = typ[len("/providers/"):]
	}
	switch {
	case strings.EqualFold(typ, "Microsoft.Resources/resourceGroups"), strings.EqualFold(typ, "Microsoft.Resources/resourceGroup"):
		return TypeResourceGroup
	case strings.EqualFold(typ, "Microsoft.Resources/subscription"):
		return TypeSubscription
	}
	return typ
}

// ResourceID gives the id of a resource by its scope, its type and the names of
// its type's segments ("server/database"): the scope's subscription is the
// parent of a resource group.
func ResourceID(scope, typ, name string) (ID, error) {
	if CanonicalType(typ) == TypeResourceGroup {
		at, err := ParseID(scope)
		if err != nil {
			return ID{}, err
		}
		return ParseID(at.SubscriptionID() + "/resourceGroups/" + name)
	}
	namespace, rest, _ := strings.Cut(typ, "/")
	types, names := strings.Split(rest, "/"), strings.Split(name, "/")
	if rest == "" || len(types) != len(names) {
		return ID{}, fmt.Errorf("its name %q has not as many parts as its type %q", clip(name), clip(typ))
	}
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(scope, "/") + "/providers/" + namespace)
	for i := range types {
		b.WriteString("/" + types[i] + "/" + names[i])
	}
	return ParseID(b.String())
}

// ParseID parses an ARM resource id. Runs of slashes collapse and a trailing
// slash is ignored, as clients send both.
func ParseID(s string) (ID, error) {
	if len(s) > MaxIDLength {
		return ID{}, fmt.Errorf("%w: longer than %d characters", ErrInvalidID, MaxIDLength)
	}
	if s == "" || s[0] != '/' {
		return ID{}, fmt.Errorf("%w: %q does not start with /", ErrInvalidID, clip(s))
	}
	s = collapse(s)
	if s == "" {
		return ID{typ: TypeTenant}, nil
	}
	var room [maxSegments]string // ids are parsed by the million: no slice on the heap
	segs := room[:0]
	for rest, more := s[1:], true; more; {
		if len(segs) == maxSegments {
			return ID{}, fmt.Errorf("%w: more than %d segments", ErrInvalidID, maxSegments)
		}
		var seg string
		seg, rest, more = strings.Cut(rest, "/")
		if err := checkSegment(seg); err != nil {
			return ID{}, fmt.Errorf("%w: %q: %w", ErrInvalidID, clip(s), err)
		}
		segs = append(segs, seg)
	}
	return build(s, segs)
}

// MustParseID is ParseID for ids that are literals of the program; it panics
// on an error.
func MustParseID(s string) ID {
	id, err := ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

// build walks the segments once and notes where the containers end.
func build(s string, segs []string) (ID, error) {
	id := ID{raw: s}
	pos, i := 0, 0 // pos: end offset of what has been consumed
	if len(segs) >= 2 && strings.EqualFold(segs[0], "subscriptions") {
		pos = 2 + len(segs[0]) + len(segs[1])
		i, id.subEnd, id.typ = 2, pos, TypeSubscription
		id.nameStart, id.parentEnd, id.scopeEnd = pos-len(segs[1]), 0, 0
		if len(segs) >= 4 && strings.EqualFold(segs[2], "resourceGroups") {
			id.parentEnd = pos
			pos += 2 + len(segs[2]) + len(segs[3])
			i, id.groupEnd, id.typ = 4, pos, TypeResourceGroup
			id.nameStart = pos - len(segs[3])
		}
	}
	for i < len(segs) {
		if !strings.EqualFold(segs[i], "providers") {
			return ID{}, fmt.Errorf("%w: %q: expected providers, found %q", ErrInvalidID, clip(s), segs[i])
		}
		rest := segs[i+1:]
		if len(rest) < 3 {
			return ID{}, fmt.Errorf("%w: %q: a provider needs a type and a name", ErrInvalidID, clip(s))
		}
		id.isExtension = id.typ != "" && id.typ != TypeSubscription && id.typ != TypeResourceGroup
		id.scopeEnd, id.parentEnd = pos, pos
		id.typ = rest[0]
		pos += 2 + len(segs[i]) + len(rest[0])
		namespace := pos - len(rest[0])
		i += 2
		first := true
		for i < len(segs) && !strings.EqualFold(segs[i], "providers") {
			if i+1 >= len(segs) {
				return ID{}, fmt.Errorf("%w: %q: type %q has no name", ErrInvalidID, clip(s), segs[i])
			}
			if first { // namespace and type stand together in the id
				id.typ = s[namespace : pos+1+len(segs[i])]
			} else {
				id.parentEnd = pos
				id.typ += "/" + segs[i]
			}
			first = false
			pos += 2 + len(segs[i]) + len(segs[i+1])
			id.nameStart = pos - len(segs[i+1])
			i += 2
		}
		if first {
			return ID{}, fmt.Errorf("%w: %q: provider %q has no type", ErrInvalidID, clip(s), rest[0])
		}
	}
	return id, nil
}

// String gives the id as it was written, slashes collapsed; "/" for the root.
func (id ID) String() string {
	if id.raw == "" {
		return "/"
	}
	return id.raw
}

// Key is the id folded for comparison and storage keys.
func (id ID) Key() string { return Fold(id.String()) }

// Equal reports whether two ids name the same resource.
func (id ID) Equal(other ID) bool { return strings.EqualFold(id.raw, other.raw) }

// Type is the full resource type, parents' segments included; for an extension
// resource the extension's own type.
func (id ID) Type() string {
	if id.raw == "" {
		return TypeTenant
	}
	return id.typ
}

// Name is the last segment.
func (id ID) Name() string {
	if id.raw == "" {
		return ""
	}
	return id.raw[id.nameStart:]
}

// FullName joins the names of the resource and its parents of the same
// provider by "/", as the policy field fullName does.
func (id ID) FullName() string {
	if id.raw == "" || id.scopeEnd == 0 && id.typ == TypeSubscription {
		return id.Name()
	}
	if id.typ == TypeResourceGroup {
		return id.Name()
	}
	segs := strings.Split(id.raw[id.scopeEnd+1:], "/") // providers, namespace, type, name, ...
	names := make([]string, 0, 4)
	for i := 3; i < len(segs); i += 2 {
		names = append(names, segs[i])
	}
	return strings.Join(names, "/")
}

// Subscription is the subscription's name, "" if the id is above
// subscriptions. ParseID takes any name; CheckSubscription demands a GUID.
func (id ID) Subscription() string {
	if id.subEnd == 0 {
		return ""
	}
	return id.raw[len("/subscriptions/"):id.subEnd]
}

// CheckSubscription is nil if the id lies in no subscription or in one that is
// named by a GUID, as every subscription is; else an *Error with status 400.
func (id ID) CheckSubscription() error {
	if name := id.Subscription(); name != "" && !IsGUID(name) {
		return &Error{Status: http.StatusBadRequest, Code: "InvalidSubscriptionId",
			Message: fmt.Sprintf("The provided subscription identifier '%s' is malformed or invalid: it is no GUID.", clip(name))}
	}
	return nil
}

// ResourceGroup gives the id of a resource group. The subscription is named by
// its GUID or its id. The error is an *Error with status 400.
func ResourceGroup(subscription, name string) (ID, error) {
	sub, err := ParseID("/subscriptions/" + subscription[strings.LastIndexByte(subscription, '/')+1:])
	if err != nil {
		return ID{}, Invalid("The subscription %q is none.", clip(subscription))
	}
	if err := sub.CheckSubscription(); err != nil {
		return ID{}, err
	}
	group, err := ParseID(sub.String() + "/resourceGroups/" + name)
	if err != nil || group.Type() != TypeResourceGroup || group.Name() != name {
		return ID{}, Invalid("%q is not the name of a resource group.", clip(name))
	}
	return group, nil
}

// IsGUID reports whether s is 32 hex digits in groups of 8, 4, 4, 4 and 12.
func IsGUID(s string) bool {
	return len(s) == 36 && uuid.Validate(s) == nil // which takes other spellings of it too
}

// SubscriptionID is the id of the subscription, "" if there is none.
func (id ID) SubscriptionID() string { return id.raw[:id.subEnd] }

// ResourceGroup is the resource group's name, "" if there is none.
func (id ID) ResourceGroup() string {
	if id.groupEnd == 0 {
		return ""
	}
	return id.raw[strings.LastIndexByte(id.raw[:id.groupEnd], '/')+1 : id.groupEnd]
}

// ResourceGroupID is the id of the resource group, "" if there is none.
func (id ID) ResourceGroupID() string { return id.raw[:id.groupEnd] }

// Parent is the id of what this resource lies in: the parent resource, the
// resource that an extension hangs on, the group or the subscription. ok is
// false for the tenant root.
func (id ID) Parent() (parent ID, ok bool) {
	if id.raw == "" {
		return ID{}, false
	}
	if id.parentEnd == 0 {
		return ID{typ: TypeTenant}, true
	}
	p, err := ParseID(id.raw[:id.parentEnd])
	return p, err == nil
}

// IsChild reports whether the resource describes another resource: a nested
// type or an extension, not a top-level resource.
func (id ID) IsChild() bool {
	return id.isExtension || strings.Count(id.typ, "/") > 1 && id.typ != TypeResourceGroup
}

// ScopeID is the id of what the last provider of the id hangs on: the resource
// that an extension extends, else the resource group or subscription; "" for
// containers and what lies above subscriptions.
func (id ID) ScopeID() string { return id.raw[:id.scopeEnd] }

// IsExtension reports whether the id is an extension of another resource, or
// lies below such an extension.
func (id ID) IsExtension() bool { return id.isExtension }

// Root is the top-level resource (or container) that the id lies in: the
// machine of its extension's child, for instance. A top-level id is its own root.
func (id ID) Root() ID {
	for id.IsChild() {
		p, ok := id.Parent()
		if !ok {
			return id
		}
		id = p
	}
	return id
}

// Within reports whether the id is scope or lies below it.
func (id ID) Within(scope ID) bool {
	n := len(scope.raw)
	return len(id.raw) >= n && strings.EqualFold(id.raw[:n], scope.raw) &&
		(len(id.raw) == n || n == 0 || id.raw[n] == '/')
}

// Depth orders scopes from wide to narrow: 0 for the tenant, then management
// groups, subscriptions and resource groups, 4 for what lies in those.
func (id ID) Depth() int {
	switch id.Type() {
	case TypeTenant:
		return 0
	case TypeManagementGroup:
		return 1
	case TypeSubscription:
		return 2
	case TypeResourceGroup:
		return 3
	}
	return 4
}

// Fold lower-cases for comparison of ids, types and names: ASCII only, the way
// ARM compares them. It does not allocate when nothing changes.
func Fold(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			var room [256]byte // most ids fit: one copy is made, not two
			b := append(room[:0], s...)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

func collapse(s string) string {
	if !strings.Contains(s, "//") {
		return strings.TrimSuffix(s, "/")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '/' && i+1 < len(s) && s[i+1] == '/' {
			continue
		}
		b.WriteByte(s[i])
	}
	return strings.TrimSuffix(b.String(), "/")
}

func checkSegment(seg string) error {
	if seg == "" || seg == "." || seg == ".." {
		return fmt.Errorf("segment %q is not a name", seg)
	}
	for i := 0; i < len(seg); i++ {
		if c := seg[i]; c < 0x20 || c == 0x7f || c == '?' || c == '#' || c == '\\' {
			return fmt.Errorf("segment %q has a character that ids may not have", clip(seg))
		}
	}
	return nil
}

func clip(s string) string {
	if len(s) > 120 {
		return s[:120] + "..."
	}
	return s
}
