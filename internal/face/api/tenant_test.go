package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/api"
	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

const foreignSub = "/subscriptions/99999999-9999-4999-8999-999999999999"

// stranger makes a second tenant with an estate and an owner of its own, and
// returns the owner's token.
func stranger(t *testing.T, s *apitest.Server) string {
	t.Helper()
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.PutTenant(t.Context(), store.Tenant{ID: "contoso", Name: "Contoso", Kind: store.TenantReal})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Put("contoso", foreignSub)
	apitest.Eventually(t, "contoso is loaded", func() bool {
		e := s.Judge.Estate("contoso")
		return e != nil && e.View() != nil && len(e.View().Subscriptions()) > 0
	})
	by := access.Principal{Tenant: "contoso", Name: "test"}
	p, secret, err := s.Access.Create(t.Context(), by, access.NewPrincipal{Tenant: "contoso", Kind: access.KindService, Name: "contoso-owner"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Access.Assign(t.Context(), by, store.RoleAssignment{ID: "contoso-owner", Principal: p.ID, Role: "Owner", Scope: "/"}); err != nil {
		t.Fatal(err)
	}
	return s.SignIn(p.ID, secret)
}

// TestTenantsSeeOnlyThemselves asks every endpoint of the table, as the owner of
// one tenant, about the other tenant's subscription, resources and tasks, and
// at every scope above. No answer may hold a trace of the other tenant.
func TestTenantsSeeOnlyThemselves(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	theirs := stranger(t, s)
	task := lastSegment(s.List(s.Sub() + security + "tasks")[0]["id"].(string))
	s.Want(201, apitest.Call{Method: "PUT", Path: s.Sub() + authorization + "policyDefinitions/d", Body: definition})
	secrets := []string{s.Facts.SubscriptionID, strings.ToUpper(s.Facts.SubscriptionID), s.Facts.TenantID}

	scopes := []string{"", s.Sub(), s.Vault(), s.Sub() + "/resourceGroups/Web", s.Sub() + authorization + "policyDefinitions/d"}
	fill := map[string]string{"{subscription}": s.Facts.SubscriptionID, "{group}": "Web", "{score}": "ascScore", "{location}": "centralus",
		"{task}": task, "{view}": "latest", "{name}": "d", "{plan}": "Arm", "{tenant}": "adfs", "{namespace}": "Microsoft.Security",
		"{assessment}": task[strings.IndexByte(task, '-')+1:], "{verb}": "Dismiss", "{principal}": s.Facts.ClientID}
	for _, r := range api.Endpoints() {
		if r.Public {
			continue
		}
		for _, scope := range scopes {
			path := strings.Replace(r.Pattern, "{scope}", scope, 1)
			for variable, value := range fill {
				path = strings.ReplaceAll(path, variable, value)
			}
			got := s.Do(apitest.Call{Method: r.Method, Path: "/" + strings.TrimPrefix(path, "/"), Body: "{}", Token: theirs})
			checkBlind(t, r.Method+" "+path, path, got, secrets)
			if !strings.Contains(r.Pattern, "{scope}") {
				break
			}
		}
	}

	// The same principal sees its own.
	if all := s.Want(200, apitest.Call{Method: "GET", Path: "/subscriptions", Token: theirs}); !bytes.Contains(all.Raw, []byte(foreignSub)) {
		t.Errorf("own subscriptions: %s", all.Raw)
	}
	// And the first tenant is as it was.
	s.Get(s.Sub() + authorization + "policyDefinitions/d")
	if tier := s.Get(s.Sub() + security + "pricings/Arm").Properties()["pricingTier"]; tier != "Free" {
		t.Errorf("tier %v", tier)
	}
	s.SignIn(s.Facts.ClientID, s.Facts.ClientSecret)
}

// checkBlind demands that nothing below the other tenant's subscription is
// answered, and that no answer tells of it more than the question did.
func checkBlind(t *testing.T, what, path string, got apitest.Answer, secrets []string) {
	t.Helper()
	asksForeign := strings.Contains(path, secrets[0])
	if asksForeign && got.Status != http.StatusNotFound && got.Status != http.StatusMethodNotAllowed && got.Status != http.StatusBadRequest {
		t.Errorf("%s: %d %.300s", what, got.Status, got.Raw)
	}
	for _, secret := range secrets {
		if bytes.Contains(got.Raw, []byte(secret)) && !(asksForeign && got.Body["error"] != nil) {
			t.Errorf("%s: %d holds %s: %.300s", what, got.Status, secret, got.Raw)
		}
	}
}

func lastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
