package inventory_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

func TestEachHandsOutDocumentsThenContainers(t *testing.T) {
	in := account("a") + "\nbroken\n" + account("refused") + "\n" + `{"id":"/subscriptions/6F9619FF-8B86-D011-B42D-00CF4FC964FF","name":"one"}`
	var got []string
	res, err := inventory.Each(t.Context(), strings.NewReader(in), inventory.EachOptions{Source: "file", Now: noon, Take: func(d *wire.Document) error {
		if strings.HasSuffix(d.ID, "refused") {
			return errors.New("no")
		}
		got = append(got, d.Source+" "+d.ID)
		return nil
	}})
	if err != nil || res.Created != 2 || res.RejectedTotal != 2 || res.Rejected[0].Line != 2 || res.Rejected[1].Line != 3 {
		t.Errorf("%+v, %v", res, err)
	}
	want := []string{"file " + group + "a", "file /subscriptions/6F9619FF-8B86-D011-B42D-00CF4FC964FF", "inventory /subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/rg"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEachSaysThatTheStreamEndedEarly(t *testing.T) {
	_, err := inventory.Each(t.Context(), strings.NewReader("["+account("a")), inventory.EachOptions{Source: "file", Now: noon, Take: func(*wire.Document) error { return nil }})
	if err == nil {
		t.Error("a cut-off file is no error")
	}
}
