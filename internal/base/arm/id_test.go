package arm

import (
	"errors"
	"strings"
	"testing"
)

func TestParseID(t *testing.T) {
	const sub, vm = "/subscriptions/s1", "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"
	tests := map[string]struct {
		in, typ, name, fullName, sub, group, parent string
		child                                       bool
	}{
		"root":             {in: "/", typ: TypeTenant},
		"subscription":     {in: sub, typ: TypeSubscription, name: "s1", fullName: "s1", sub: "s1", parent: "/"},
		"group":            {in: sub + "/resourceGroups/rg", typ: TypeResourceGroup, name: "rg", fullName: "rg", sub: "s1", group: "rg", parent: sub},
		"resource":         {in: vm, typ: "Microsoft.Compute/virtualMachines", name: "vm1", fullName: "vm1", sub: "s1", group: "rg", parent: sub + "/resourceGroups/rg"},
		"child":            {in: vm + "/extensions/e", typ: "Microsoft.Compute/virtualMachines/extensions", name: "e", fullName: "vm1/e", sub: "s1", group: "rg", parent: vm, child: true},
		"extension":        {in: vm + "/providers/Microsoft.Security/assessments/a", typ: "Microsoft.Security/assessments", name: "a", fullName: "a", sub: "s1", group: "rg", parent: vm, child: true},
		"on subscription":  {in: sub + "/providers/Microsoft.Security/pricings/Arm", typ: "Microsoft.Security/pricings", name: "Arm", fullName: "Arm", sub: "s1", parent: sub},
		"management group": {in: "/providers/Microsoft.Management/managementGroups/m", typ: TypeManagementGroup, name: "m", fullName: "m", parent: "/"},
		"named providers":  {in: vm[:len(vm)-3] + "providers", typ: "Microsoft.Compute/virtualMachines", name: "providers", fullName: "providers", sub: "s1", group: "rg", parent: sub + "/resourceGroups/rg"},
		"extra slashes":    {in: "//subscriptions//s1/", typ: TypeSubscription, name: "s1", fullName: "s1", sub: "s1", parent: "/"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			id, err := ParseID(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			parent := ""
			if p, ok := id.Parent(); ok {
				parent = p.String()
			}
			got := []string{id.Type(), id.Name(), id.FullName(), id.Subscription(), id.ResourceGroup(), parent}
			want := []string{tt.typ, tt.name, tt.fullName, tt.sub, tt.group, tt.parent}
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("field %d of %v: got %q, want %q", i, tt.in, got[i], want[i])
				}
			}
			if id.IsChild() != tt.child {
				t.Errorf("IsChild = %v", id.IsChild())
			}
		})
	}
}

func TestParseIDRefuses(t *testing.T) {
	bad := map[string]string{
		"empty":         "",
		"relative":      "subscriptions/s1",
		"no name":       "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines",
		"no type":       "/subscriptions/s1/providers/Microsoft.Compute",
		"dot dot":       "/subscriptions/../resourceGroups/rg",
		"control":       "/subscriptions/s\x00",
		"query":         "/subscriptions/s?x=1",
		"long":          "/subscriptions/" + strings.Repeat("x", MaxIDLength),
		"many segments": "/subscriptions/s/providers/N" + strings.Repeat("/t/n", 40),
		"stray segment": "/subscriptions/s1/other/rg",
	}
	for name, in := range bad {
		t.Run(name, func(t *testing.T) {
			if id, err := ParseID(in); !errors.Is(err, ErrInvalidID) {
				t.Errorf("ParseID(%.60q) = %v, %v; want ErrInvalidID", in, id, err)
			}
		})
	}
}

func TestWithinAndEqual(t *testing.T) {
	rg := MustParseID("/subscriptions/S1/resourceGroups/RG")
	vm := MustParseID("/subscriptions/s1/resourcegroups/rg/providers/Microsoft.Compute/virtualMachines/vm")
	other := MustParseID("/subscriptions/s1/resourceGroups/rg2")
	if !vm.Within(rg) || !vm.Within(ID{}) || !rg.Within(rg) {
		t.Error("a resource lies within its group, the root and itself, whatever the case")
	}
	if other.Within(rg) {
		t.Error("rg2 does not lie within rg")
	}
	if !vm.Equal(MustParseID(strings.ToUpper(vm.String()))) || vm.Key() != Fold(vm.String()) {
		t.Error("ids compare without case")
	}
	check := MustParseID(vm.String() + "/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/b")
	if !check.Root().Equal(vm) {
		t.Errorf("root of %v is %v", check, check.Root())
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{"/", "/subscriptions/s", "/subscriptions/s/resourceGroups/g/providers/A/b/c/d/e/providers/F/g/h", "//providers/A/b/c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			return
		}
		again, err := ParseID(id.String())
		if err != nil || again != id {
			t.Fatalf("%q does not survive a round trip: %v, %v", s, again, err)
		}
		steps := 0
		for p, ok := id.Parent(); ok; p, ok = p.Parent() {
			if !id.Within(p) {
				t.Fatalf("%q is not within its parent %q", id, p)
			}
			if steps++; steps > maxSegments {
				t.Fatalf("%q: parents do not end", s)
			}
		}
		_, _, _ = id.FullName(), id.Root(), id.ResourceGroup()
	})
}

func TestParseIDDoesNotAllocate(t *testing.T) {
	const vm = "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"
	if n := testing.AllocsPerRun(100, func() { MustParseID(vm) }); n != 0 {
		t.Errorf("%v allocations for a top-level resource", n)
	}
}

func TestCheckSubscription(t *testing.T) {
	const guid = "6f9619ff-8b86-D011-B42D-00cf4fc964ff"
	for _, good := range []string{"/", "/providers/Microsoft.Management/managementGroups/mg", "/subscriptions/" + guid,
		"/subscriptions/" + strings.ToUpper(guid) + "/resourceGroups/rg"} {
		if err := MustParseID(good).CheckSubscription(); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"nope", "s1", guid[1:], guid + "0", "{" + guid[2:] + "}", strings.ReplaceAll(guid, "-", "0"),
		"g" + guid[1:], guid[:8] + "0" + guid[9:], guid[:35] + "-", guid[:34] + "\u00e9"} {
		err := MustParseID("/subscriptions/" + bad + "/resourceGroups/rg").CheckSubscription()
		var e *Error
		if !errors.As(err, &e) || e.Status != 400 || e.Code != "InvalidSubscriptionId" || !strings.Contains(e.Message, bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
