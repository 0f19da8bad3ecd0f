package inventory_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

func TestImportKeepsTheGoodRows(t *testing.T) {
	var b strings.Builder
	bad := []string{
		`{"id":"` + group + `x","properties":{"a":`, // cut off
		`not json at all`,                      //
		`{"name":"no id","properties":{}}`,     //
		`{"id":"relative/id","properties":{}}`, //
		`{"id":"` + group + `x","type":"Microsoft.Compute/disks","properties":{}}`, // another type
		`{"id":"` + group + `x","properties":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`,
		`{"id":"` + group + `x","tags":7,"properties":{}}`,
		`{"id":"` + group + `x","properties":"none"}`,
		`{"id":"` + group + `x","properties":{}} trailing`,
		`{"id":"` + group + `x","properties":{"a":"` + strings.Repeat("x", 5<<20) + `"}}`, // too large
		"{\"id\":\"" + group + "x\",\"properties\":{\"a\":\"\xff\"}}",
	}
	want := map[int]bool{}
	line := 0
	for i := range 110 {
		line++
		fmt.Fprintln(&b, account(fmt.Sprint("good", i)))
		if i%10 == 0 {
			line++
			want[line] = true
			fmt.Fprintln(&b, bad[i/10])
		}
	}
	v, _ := openInventory(t)
	progress := 0
	res, err := v.Import(t.Context(), "", strings.NewReader(b.String()), inventory.ImportOptions{Source: "import", Progress: func(n int) { progress = n }})
	if err != nil || res.Created != 110 || res.RejectedTotal != len(bad) || progress != 121 {
		t.Fatalf("created %d, rejected %d, progress %d, %v", res.Created, res.RejectedTotal, progress, err)
	}
	for _, r := range res.Rejected {
		if !want[r.Line] || r.Reason == "" {
			t.Errorf("%v", r)
		}
		delete(want, r.Line)
	}
	if len(want) > 0 {
		t.Errorf("not reported: lines %v", want)
	}
}

func TestImportFindsItsWayInBrokenArrays(t *testing.T) {
	pretty := "[\n" + strings.Join([]string{
		"  {\n    \"id\": \"" + group + "a\",\n    \"properties\": {}\n  }",
		"  {\n    \"id\": \"" + group + "b\",\n    \"properties\": {\n  }", // a bracket is missing
		"  {\n    \"id\": \"" + group + "c\",\n    \"properties\": {}\n  }",
		"  17",
		"  {\n    \"id\": \"" + group + "d,\n    \"properties\": {}\n  }", // a quote is missing
		"  {\n    \"id\": \"" + group + "e\",\n    \"properties\": {}\n  }",
	}, ",\n") + "\n]\n"
	v, _ := openInventory(t)
	res, err := v.Import(t.Context(), "", strings.NewReader(pretty), inventory.ImportOptions{Source: "import"})
	if err != nil || res.Created != 3 || res.RejectedTotal != 3 {
		t.Fatalf("%+v, %v", res, err)
	}
	for i, line := range []int{6, 14, 15} {
		if res.Rejected[i].Line != line {
			t.Errorf("rejection %d: %v, want line %d", i, res.Rejected[i], line)
		}
	}
}

func TestImportOfTruncatedFiles(t *testing.T) {
	for name, in := range map[string]string{
		"array":          "[" + account("a") + ",",
		"array, element": "[" + account("a") + `,{"id":"`,
		"wrapper":        `{"value":[` + account("a") + "]",
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := openInventory(t)
			res, err := v.Import(t.Context(), "", strings.NewReader(in), inventory.ImportOptions{Source: "import"})
			if res.Created != 1 || err == nil || !strings.Contains(err.Error(), "cut off") {
				t.Errorf("%+v, %v", res, err)
			}
		})
	}
}

func TestImportReportsDuplicates(t *testing.T) {
	in := account("a") + "\n" + account("b") + "\n" + strings.Replace(account("A"), `"a":1`, `"a":2`, 1) + "\nbroken\n"
	v, db := openInventory(t)
	res, err := v.Import(t.Context(), "", strings.NewReader(in), inventory.ImportOptions{Source: "import"})
	if err != nil || res.Created != 2 || len(res.Rejected) != 2 || res.Rejected[0].Line != 1 || res.Rejected[1].Line != 4 {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := body(t, db, group+"a"); !strings.Contains(got, `"a":2`) {
		t.Errorf("the last one does not count: %s", got)
	}
}

func body(t *testing.T, db *store.DB, id string) (s string) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) error {
		r, err := tx.Resource(t.Context(), "", id)
		if err == nil {
			s = string(r.Doc.Body)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestImportOfTemplate(t *testing.T) {
	in := `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0",
	"parameters":{"site_name":{"type":"string","defaultValue":"web1"},"none":{"type":"string"}},"variables":{},
	"resources":[
	{"type":"Microsoft.Web/sites","apiVersion":"2023-12-01","name":"[parameters('site_name')]","location":"westeurope","properties":{"httpsOnly":true}},
	{"type":"Microsoft.Web/sites/config","apiVersion":"2023-12-01","name":"[concat(parameters('site_name'), '/web')]","properties":{}},
	{"type":"Microsoft.Web/sites","name":"[parameters('none')]","properties":{}},
	{"type":"Microsoft.Web/sites","name":"[uniqueString(resourceGroup().id)]","properties":{}},
	{"type":"Microsoft.Web/sites/config","name":"web1","properties":{}}
	]}`
	v, db := openInventory(t)
	res, err := v.Import(t.Context(), "", strings.NewReader(in), inventory.ImportOptions{Source: "import"})
	if err != nil || res.Created != 2 || res.RejectedTotal != 3 {
		t.Fatalf("%+v, %v", res, err)
	}
	const site = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template/providers/Microsoft.Web/sites/web1"
	if got := body(t, db, site); !strings.Contains(got, `"name":"web1"`) || !strings.Contains(got, `"httpsOnly":true`) {
		t.Errorf("site %s", got)
	}
	body(t, db, site+"/config/web")
	if want := (inventory.Placed{Group: "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template", Assumed: true}); res.Template != want {
		t.Errorf("placed %+v", res.Template)
	}
	there, err := inventory.TemplateGroup("6f9619ff-8b86-d011-b42d-00cf4fc964ff", "rg")
	if err != nil {
		t.Fatal(err)
	}
	res, err = v.Import(t.Context(), "", strings.NewReader(in), inventory.ImportOptions{Source: "import", Group: there})
	if want := (inventory.Placed{Group: there}); err != nil || res.Created != 2 || res.Template != want {
		t.Errorf("named: %+v, %v", res, err)
	}
	body(t, db, "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/rg/providers/Microsoft.Web/sites/web1/config/web")
	// What has ids of its own is not placed.
	res, err = v.Import(t.Context(), "", strings.NewReader(account("x")), inventory.ImportOptions{Source: "import", Group: there})
	if err != nil || res.Created != 1 || res.Template != (inventory.Placed{}) {
		t.Errorf("no template: %+v, %v", res, err)
	}
}

func TestTemplateGroup(t *testing.T) {
	const sub = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
	tests := map[string]struct{ sub, group, want string }{
		"none":         {},
		"both":         {sub, "rg", "/subscriptions/" + sub + "/resourceGroups/rg"},
		"by_id":        {"/subscriptions/" + sub, "rg", "/subscriptions/" + sub + "/resourceGroups/rg"},
		"no_group":     {sub, "", "/subscriptions/" + sub + "/resourceGroups/template"},
		"no_sub":       {"", "rg", "error"},
		"no_guid":      {"nope", "rg", "error"},
		"slash":        {sub, "rg/providers/a.b/c/d", "error"},
		"dots":         {sub, "..", "error"},
		"question":     {sub, "a?b", "error"},
		"long":         {sub, strings.Repeat("x", 4000), "error"},
		"slash_behind": {sub, "rg/", "error"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := inventory.TemplateGroup(tt.sub, tt.group)
			if tt.want == "error" {
				if !isStatus(err, 400) {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			if got != tt.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// TestImportOfTemplateExpressions: what only a deployment knows is unknown; the
// text of the expression is no value to judge.
func TestImportOfTemplateExpressions(t *testing.T) {
	many := make([]string, 300)
	for i := range many {
		many[i] = fmt.Sprintf(`"p%d":"[parameters('x')]"`, i)
	}
	tests := map[string]struct {
		rest string
		want []string
	}{
		"values":        {`"location":"[resourceGroup().location]","dependsOn":["[x]"],"properties":{"a":"[parameters('a')]","b":true,"c":{"d":"[variables('d')]"}}`, []string{"location", "properties.a", "properties.c.d"}},
		"in an array":   {`"properties":{"rules":[{"name":"x"},{"port":"[parameters('a')]"}]}`, []string{"properties.rules"}},
		"escaped":       {`"properties":{"a":"[[not one]","b":"[half","c":"x]"}`, nil},
		"too many":      {`"properties":{` + strings.Join(many, ",") + `}`, []string{"properties"}},
		"no properties": {`"location":"westeurope"`, []string{"properties"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0","resources":[{"type":"Microsoft.Web/sites","apiVersion":"2023-12-01","name":"web1",` + tt.rest + `}]}`
			var got []string
			res, err := inventory.Each(t.Context(), strings.NewReader(in), inventory.EachOptions{Source: "import", Now: time.Unix(1e9, 0), Take: func(d *wire.Document) error {
				if d.Type == "Microsoft.Web/sites" {
					for _, u := range d.Unavailable {
						path, _, _ := strings.Cut(u, " ")
						got = append(got, path)
					}
				}
				return nil
			}})
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("unknown are %q, want %q; %+v, %v", got, tt.want, res, err)
			}
		})
	}
}

func TestImportOfUTF16(t *testing.T) {
	var b bytes.Buffer
	b.Write([]byte{0xff, 0xfe})
	for _, c := range []byte("[" + account("a") + "]") {
		b.Write([]byte{c, 0})
	}
	v, _ := openInventory(t)
	if res, err := v.Import(t.Context(), "", &b, inventory.ImportOptions{Source: "import"}); err != nil || res.Created != 1 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestImportStopsWithItsContext(t *testing.T) {
	v, _ := openInventory(t)
	ctx, cancel := context.WithCancel(t.Context())
	in := strings.Repeat(account("a")+"\n", 50_000)
	_, err := v.Import(ctx, "", strings.NewReader(in), inventory.ImportOptions{Source: "import", Progress: func(int) { cancel() }})
	if err == nil {
		t.Error("a cancelled import ends without an error")
	}
}

func TestImportOfNothing(t *testing.T) {
	many := 200_000 // deep recursion would show
	for _, in := range []string{"", " \n\n", "[]", `{"value":[]}`, strings.Repeat("[]", many), strings.Repeat(`{"value":[]}`, many), "x" + strings.Repeat("\n", many)} {
		v, _ := openInventory(t)
		if res, err := v.Import(t.Context(), "", strings.NewReader(in), inventory.ImportOptions{Source: "import"}); err != nil || res.Created+res.RejectedTotal != strings.Count(in, "x") {
			t.Errorf("import of %.20q: %+v, %v", in, res, err)
		}
	}
}
