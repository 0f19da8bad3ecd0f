package inventory_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

func document(id, source string, n int) wire.Document {
	return wire.Document{ID: id, Source: source, ObservedAt: noon, Body: json.RawMessage(fmt.Sprintf(`{"properties":{"n":%d}}`, n))}
}

func isStatus(err error, status int) bool {
	var e *arm.Error
	return errors.As(err, &e) && e.Status == status
}

func TestPutJudgesEachAlone(t *testing.T) {
	v, db := openInventory(t)
	typed := document(group+"typed", "agent", 1)
	typed.Type = "Microsoft.Compute/disks"
	other := document(group+"other", "agent", 1)
	other.Tenant = "elsewhere"
	huge := document(group+"huge", "agent", 1)
	huge.Body = json.RawMessage(`"` + strings.Repeat("x", wire.MaxBody) + `"`)
	many := document(group+"many", "agent", 1)
	many.Unavailable = make([]string, wire.MaxUnavailable+1)
	nobody := document(group+"nobody", "", 1)
	broken := document(group+"broken", "agent", 1)
	broken.Body = json.RawMessage(`{"a":`)
	docs := []wire.Document{document(group+"a", "agent", 1), typed, other, huge, many, nobody, broken, document("nonsense", "agent", 1),
		document(group+"A", "agent", 2), document(group+"b", "agent", 1)}
	res, err := v.Put(t.Context(), "", docs)
	if err != nil || res.Created != 2 || res.Accepted() != 2 || len(res.Rejected) != 8 {
		t.Fatalf("%+v, %v", res, err)
	}
	for i, want := range []int{1, 2, 3, 4, 5, 6, 7, 0} {
		if res.Rejected[i].Index != want {
			t.Errorf("rejection %d: %v, want index %d", i, res.Rejected[i], want)
		}
	}
	if got := body(t, db, group+"a"); !strings.Contains(got, `"n":2`) || !strings.Contains(got, `"name":"A"`) {
		t.Errorf("of two the last one counts, completed: %s", got)
	}
}

func TestPutRefusesWhatConcernsAll(t *testing.T) {
	v, _ := openInventory(t)
	if _, err := v.Put(t.Context(), "", make([]wire.Document, inventory.MaxBatch+1)); !isStatus(err, 400) {
		t.Errorf("too many documents = %v", err)
	}
	if _, err := v.Put(t.Context(), "nowhere", []wire.Document{document(group+"a", "agent", 1)}); !isStatus(err, 404) {
		t.Errorf("unknown tenant = %v", err)
	}
}

func TestPutTellsOfForeignOwners(t *testing.T) {
	v, _ := openInventory(t)
	if res, err := v.Put(t.Context(), "", []wire.Document{document(group+"a", "azure", 1)}); err != nil || res.Created != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	child := group + "a/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/x"
	res, err := v.Put(t.Context(), "", []wire.Document{document(group+"a", "agent", 2), document(child, "agent", 1)})
	if err != nil || res.Created != 1 || len(res.Rejected) != 1 || res.Rejected[0].Index != 0 || !strings.Contains(res.Rejected[0].Reason, "another source") {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestContainersAreMadeUp(t *testing.T) {
	v, _ := openInventory(t)
	source := func(id string) string {
		r, err := v.Get(t.Context(), "", id)
		if err != nil {
			t.Fatal(err)
		}
		return r.Doc.Source
	}
	put := func(docs ...wire.Document) {
		t.Helper()
		if res, err := v.Put(t.Context(), "", docs); err != nil || res.RejectedTotal > 0 {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	const sub, rg = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff", "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/rg"
	put(document(group+"a", "agent", 1))
	if source(sub) != store.SourceInventory || source(rg) != store.SourceInventory {
		t.Errorf("subscription of %s, group of %s", source(sub), source(rg))
	}
	real := document(sub, "azure", 1)
	real.ObservedAt = noon.Add(-time.Hour)
	put(real)
	put(document(group+"b", "agent", 1))
	if source(sub) != "azure" {
		t.Errorf("the real subscription did not take over: %s", source(sub))
	}
	put(document("/subscriptions/7F9619FF-8B86-D011-B42D-00CF4FC964FF", "azure", 1), document("/subscriptions/7f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/x/providers/A.B/c/d", "agent", 1))
	if source("/subscriptions/7f9619ff-8b86-d011-b42d-00cf4fc964ff") != "azure" {
		t.Error("a container in the same batch was made up as well")
	}
	gone := wire.Document{ID: rg, Source: store.SourceInventory, ObservedAt: noon, Deleted: true}
	for i, remove := range []func() error{
		func() error { return v.Delete(t.Context(), "", rg, "") },
		func() error { _, err := v.Put(t.Context(), "", []wire.Document{gone}); return err },
	} {
		if err := remove(); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Get(t.Context(), "", group+"a"); !isStatus(err, 404) {
			t.Fatalf("removal %d left what is in the group: %v", i, err)
		}
		again := document(group+"a", "agent", 1)
		again.ObservedAt = noon.Add(time.Duration(i+1) * time.Second)
		put(again)
		if source(rg) != store.SourceInventory {
			t.Error("a deleted group is not made up again")
		}
	}
}

func TestDeleteTakesWhatIsBelow(t *testing.T) {
	v, _ := openInventory(t)
	ids := []string{group + "a", group + "a/blobServices/default", group + "a/blobServices/default/containers/c", group + "b"}
	for i, id := range ids {
		if _, err := v.Put(t.Context(), "", []wire.Document{document(id, fmt.Sprint("source", i), 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Delete(t.Context(), "", group+"a", "source1"); !isStatus(err, 409) {
		t.Errorf("deletion by another source = %v", err)
	}
	gone := wire.Document{ID: group + "a", Source: "source0", ObservedAt: noon.Add(time.Second), Deleted: true}
	if res, err := v.Put(t.Context(), "", []wire.Document{gone}); err != nil || res.Deleted != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	for i, id := range ids {
		if _, err := v.Get(t.Context(), "", id); isStatus(err, 404) != (i < 3) {
			t.Errorf("%s after the deletion: %v", id, err)
		}
	}
	if rs, err := v.Children(t.Context(), "", "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/rg"); err != nil || len(rs) != 1 {
		t.Errorf("%d children left, %v", len(rs), err)
	}
}

func TestClaimMachine(t *testing.T) {
	v, _ := openInventory(t)
	machine := func(id string) inventory.Machine {
		return inventory.Machine{Group: "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/rg", Type: "Microsoft.HybridCompute/machines", Name: "web", MachineID: id}
	}
	const web = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/rg/providers/Microsoft.HybridCompute/machines/web"
	steps := []struct{ machine, want string }{
		{"aaaaaaaa-1111", web}, {"BBBBBBBB-2222", web + "-bbbbbbbb"}, {"aaaaaaaa1111", web}, {"bbbbbbbb2222", web + "-bbbbbbbb"},
	}
	for i, s := range steps {
		if got, err := v.ClaimMachine(t.Context(), "", machine(s.machine)); err != nil || got != s.want {
			t.Errorf("step %d: %s, %v; want %s", i, got, err, s.want)
		}
	}
	if _, err := v.ClaimMachine(t.Context(), "", machine("bbbbbbbb3333")); !isStatus(err, 409) {
		t.Errorf("a third machine with the same digits = %v", err)
	}
	if _, err := v.ClaimMachine(t.Context(), "", machine("xyz")); !isStatus(err, 400) {
		t.Errorf("a bad machine id = %v", err)
	}
	if _, err := v.Put(t.Context(), "", []wire.Document{document(web, "agent", 1)}); err != nil {
		t.Fatal(err)
	}
	if err := v.Delete(t.Context(), "", web, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := v.ClaimMachine(t.Context(), "", machine("cccccccc")); err != nil || got != web {
		t.Errorf("after the deletion: %s, %v", got, err)
	}
}

func TestWatchWakes(t *testing.T) {
	v, _ := openInventory(t)
	woken := v.Watch(t.Context())
	if _, err := v.Put(t.Context(), "", []wire.Document{document(group+"a", "agent", 1)}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-woken:
	case <-time.After(10 * time.Second):
		t.Fatal("no wake")
	}
}

func TestDropTenant(t *testing.T) {
	v, db := openInventory(t)
	for range 2 {
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.PutTenant(t.Context(), store.Tenant{ID: "demo", Kind: store.TenantDemo})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if res, err := v.Put(t.Context(), "demo", []wire.Document{document(group+"a", "demo", 1)}); err != nil || res.Created != 1 {
			t.Fatalf("%+v, %v", res, err)
		}
		if _, err := v.Get(t.Context(), "demo", "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff"); err != nil {
			t.Errorf("the container was not made up: %v", err)
		}
		if err := v.DropTenant(t.Context(), "demo"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSubscriptionsAreGUIDs: what lies in a subscription that can be none is
// refused alone, in a batch and in a file, and makes no container. A deletion
// is taken, so that what an older version stored can go.
func TestSubscriptionsAreGUIDs(t *testing.T) {
	const bad = "/subscriptions/nope/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a"
	const reason = `its subscription "nope" is not a GUID`
	v, _ := openInventory(t)
	res, err := v.Put(t.Context(), "", []wire.Document{document(bad, "azure", 1), document(group+"a", "azure", 1), document("/subscriptions/nope", "azure", 1)})
	if err != nil || res.Created != 1 || len(res.Rejected) != 2 || res.Rejected[0].Reason != reason || res.Rejected[1].Index != 2 {
		t.Errorf("put: %+v, %v", res, err)
	}
	file := strings.Join([]string{account("b"), `{"id":"` + bad + `","properties":{}}`, `{"id":"` + bad + `","body":{"properties":{}}}`,
		`{"id":"/subscriptions/nope","name":"nope"}`, account("c"), `{"id":"/providers/Microsoft.Management/managementGroups/nope"}`}, "\n")
	if res, err = v.Import(t.Context(), "", strings.NewReader(file), inventory.ImportOptions{Source: "import"}); err != nil || res.Created != 3 || len(res.Rejected) != 3 {
		t.Fatalf("import: %+v, %v", res, err)
	}
	for i, line := range []int{2, 3, 4} {
		if r := res.Rejected[i]; r.Line != line || r.Reason != reason || r.ID == "" {
			t.Errorf("rejection %d: %v", i, r)
		}
	}
	if _, err := v.Get(t.Context(), "", "/subscriptions/nope"); !isStatus(err, 404) {
		t.Errorf("a subscription was made up: %v", err)
	}
	res, err = v.Import(t.Context(), "", strings.NewReader(`{"id":"`+bad+`","deleted":true}`), inventory.ImportOptions{Source: "import"})
	if err != nil || res.RejectedTotal != 0 {
		t.Errorf("deletion: %+v, %v", res, err)
	}
	gone := wire.Document{ID: bad, Source: "azure", Deleted: true}
	if res, err = v.Put(t.Context(), "", []wire.Document{gone}); err != nil || res.RejectedTotal != 0 {
		t.Errorf("deletion by put: %+v, %v", res, err)
	}
}
