package inventory_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func openInventory(t testing.TB) (*inventory.Inventory, *store.DB) {
	t.Helper()
	now := func() time.Time { return noon }
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "rampart.db"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return inventory.New(inventory.Options{Store: db, Now: now}), db
}

const group = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/"

func account(name string) string {
	return `{"id":"` + group + name + `","type":"Microsoft.Storage/storageAccounts","name":"` + name + `","properties":{"a":1}}`
}

func TestImportFormats(t *testing.T) {
	a, b := account("a"), account("b")
	pretty := strings.NewReplacer(`{"`, "{\n    \"", `,"`, ",\n    \"").Replace
	for name, in := range map[string]string{
		"lines":          a + "\n" + b + "\n",
		"lines crlf":     a + "\r\n\r\n" + b,
		"bom":            "\ufeff" + a + "\n" + b,
		"array":          "[" + a + "," + b + "]",
		"pretty array":   "[\n  " + pretty(a) + ",\n  " + pretty(b) + "\n]\n",
		"value":          `{"value":[` + a + "," + b + `],"nextLink":"]}\"x"}`,
		"data":           `{"count":2,"data":[` + a + "," + b + `],"skip_token":null}`,
		"two pages":      `{"value":[` + a + `]}` + "\n" + `{"value":[` + b + `]}`,
		"pretty objects": pretty(a) + "\n" + pretty(b),
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := openInventory(t)
			res, err := v.Import(t.Context(), "", strings.NewReader(in), inventory.ImportOptions{Source: "import"})
			if err != nil || res.Created != 2 || res.RejectedTotal != 0 {
				t.Fatalf("%+v, %v", res, err)
			}
		})
	}
}
