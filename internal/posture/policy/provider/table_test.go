package provider

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

func aliasesOf(t *Table, typ string) map[string]string {
	out := map[string]string{}
	for a := range t.Aliases(arm.Fold(typ)) {
		out[a.Name] = a.Path
	}
	return out
}

func TestKnown(t *testing.T) {
	k := Known()
	if !strings.Contains(k.Source, "20") {
		t.Errorf("the source %q has no date", k.Source)
	}
	for typ, want := range map[string]bool{
		"Microsoft.Storage/storageAccounts": true, "Microsoft.Compute/virtualMachines": true, "Microsoft.Sql/servers/databases": true,
		"Microsoft.Network/dnsZones": true, "Microsoft.Web/sites/slots": true, "Microsoft.Compute/virtualMachines/extensions": true,
		"Microsoft.Network/virtualNetworks/subnets": false, "Microsoft.Insights/diagnosticSettings": false, "Microsoft.Authorization/roleAssignments": false,
		"Microsoft.Security/pricings": false, "Microsoft.KeyVault/vaults/secrets": false, "Microsoft.GuestConfiguration/guestConfigurationAssignments": false,
		"Microsoft.Web/sites/config": false, "Microsoft.Storage/storageAccounts/blobServices": false, "Microsoft.Network/networkSecurityGroups/securityRules": false,
	} {
		if got, known := k.Indexed(arm.Fold(typ)); got != want || !known {
			t.Errorf("%s: indexed %t, known %t", typ, got, known)
		}
	}
	if _, known := k.Indexed("contoso.example/things"); known {
		t.Error("a type that nobody has is known")
	}
	if got := aliasesOf(k, "microsoft.compute/VIRTUALMACHINES")["Microsoft.Compute/virtualMachines/sku.name"]; got != "properties.hardwareProfile.vmSize" {
		t.Errorf("the size of a machine lies at %q", got)
	}
}

// TestRoundTrip: what is written is read, whatever neighbours share.
func TestRoundTrip(t *testing.T) {
	in := []Alias{
		{"A.B/c", "A.B/c/x", "properties.x"}, {"A.B/c", "A.B/c/xy[*]", "properties.xy[*]"}, {"A.B/c", "A.B/c/xy[*].z", "properties.xy[*].properties.z"},
		{"A.B/c", "A.B/c/sku", "sku"}, {"A.B/c", "A.B/c/é.a", "properties.other"}, {"A.B/c", "A.B/C/ép", "properties.ép"}, {"A.B/c", "A.B/shared", "properties.s"},
		{"A.B/d", "A.B/shared", "properties.t"}, {"A.B/d", "A.B/d/x", "properties.x.y"},
	}
	var b bytes.Buffer
	if err := Write(&b, "test 2026", in, map[string]bool{"A.B/c": true, "A.B/none": false}); err != nil {
		t.Fatal(err)
	}
	k, err := Read(&b)
	if err != nil || k.Source != "test 2026" {
		t.Fatal(k, err)
	}
	want := map[string]string{}
	for _, a := range in {
		if a.Type == "A.B/c" && arm.Fold(a.Name) != "a.b/shared" {
			want[strings.Replace(a.Name, "A.B/C", "A.B/c", 1)] = a.Path
		}
	}
	if got := aliasesOf(k, "A.B/c"); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := k.Named("a.b/shared"); len(got) != 2 || got[0].Path != "properties.s" || got[1].Type != "A.B/d" {
		t.Errorf("%v", got)
	}
	if k.HasAliases("a.b/none") || !k.HasAliases("a.b/d") {
		t.Error("types with aliases are not those that have some")
	}
	if both, known := k.Indexed("a.b/none"); both || !known {
		t.Error("a type without tags is not known as that")
	}
}

// TestKnownHasThePublicRows: every public alias is in the table, with its path.
func TestKnownHasThePublicRows(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "..", "shared", "data", "policy", "aliases.tsv.gz"))
	if err != nil {
		t.Skip("the development data is not there")
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	want, names := map[string]string{}, map[string]bool{}
	for scan := bufio.NewScanner(z); scan.Scan(); {
		cols := strings.Split(scan.Text(), "\t")
		if cols[0] == "" {
			cols[0] = Owner(cols[1])
		}
		want[arm.Fold(cols[0]+"\t"+cols[1])] = cols[2]
		names[arm.Fold(cols[1])] = true
	}
	got := map[string]string{}
	for typ := range Known().Types() {
		for a := range Known().Aliases(arm.Fold(typ)) {
			got[arm.Fold(a.Type+"\t"+a.Name)] = a.Path
		}
	}
	for name := range names {
		for _, a := range Known().Named(name) {
			got[arm.Fold(a.Type+"\t"+a.Name)] = a.Path
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, "seed", []Alias{{"A.B/c", "A.B/c/x", "properties.x"}, {"A.B/c", "A.B/s", "p"}}, map[string]bool{"A.B/c": true}); err != nil {
		f.Fatal(err)
	}
	z, _ := zstd.NewReader(&b)
	var text bytes.Buffer
	_, _ = text.ReadFrom(z)
	f.Add(text.String())
	f.Add("# x\n=\n=a")
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		w, _ := zstd.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
		k, err := Read(&b)
		if err != nil {
			return
		}
		for typ := range k.Types() {
			for range k.Aliases(arm.Fold(typ)) {
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		if _, err := Read(bytes.NewReader(packed)); err != nil {
			b.Fatal(err)
		}
	}
}
