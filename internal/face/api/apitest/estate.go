package apitest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// Sub is the id of the first subscription.
func (s *Server) Sub() string { return "/subscriptions/" + s.Facts.SubscriptionID }

// Vault and Storage are the ids of the sample estate's resources.
func (s *Server) Vault() string { return s.Sub() + vault }

// Storage is the id of the sample estate's storage account.
func (s *Server) Storage() string { return s.Sub() + storage }

const (
	vault   = "/resourceGroups/Web/providers/Microsoft.KeyVault/vaults/Secrets"
	storage = "/resourceGroups/Web/providers/Microsoft.Storage/storageAccounts/Logs"
)

// Estate gives the first subscription a key vault and a storage account, both
// with faults, and waits until they are judged.
func (s *Server) Estate() {
	s.t.Helper()
	s.Put("", s.Sub())
	// Seeing the subscription registers it, which assigns the initiative.
	s.Get(s.Sub() + "/providers/Microsoft.Security/secureScores")
	s.Judged("", s.Vault())
}

// Judged waits until a resource has assessments.
func (s *Server) Judged(tenant, id string) {
	s.t.Helper()
	Eventually(s.t, id+" is judged", func() bool {
		estate := s.Judge.Estate(tenant)
		if estate == nil || estate.View() == nil {
			return false
		}
		page, err := estate.View().Assessments(index.AssessmentQuery{Scope: index.Scope{ID: id}})
		return err == nil && page.Total > 0
	})
}

// Put writes the sample estate into a subscription.
func (s *Server) Put(tenant, sub string) {
	s.t.Helper()
	docs := []wire.Document{
		s.document(sub+storage, "Microsoft.Storage/storageAccounts", `{"supportsHttpsTrafficOnly":false,"allowBlobPublicAccess":true,"minimumTlsVersion":"TLS1_0"}`),
		s.document(sub+vault, "Microsoft.KeyVault/vaults", `{"enableSoftDelete":true,"networkAcls":{"defaultAction":"Allow"}}`),
	}
	result, err := s.Inventory.Put(s.t.Context(), tenant, docs)
	if err != nil || result.RejectedTotal > 0 {
		s.t.Fatalf("put estate: %+v, %v", result, err)
	}
}

func (s *Server) document(id, typ, properties string) wire.Document {
	body := fmt.Sprintf(`{"id":%q,"type":%q,"location":"westeurope","tags":{"env":"test"},"properties":%s}`, id, typ, properties)
	return wire.Document{ID: id, Type: typ, Source: "test", ObservedAt: s.Now(), Body: json.RawMessage(body)}
}

// Heal mends the storage account of the sample estate.
func (s *Server) Heal() {
	s.t.Helper()
	doc := s.document(s.Storage(), "Microsoft.Storage/storageAccounts", `{"supportsHttpsTrafficOnly":true,"allowBlobPublicAccess":false,"minimumTlsVersion":"TLS1_2"}`)
	result, err := s.Inventory.Put(s.t.Context(), "", []wire.Document{doc})
	if err != nil || result.RejectedTotal > 0 {
		s.t.Fatalf("heal: %+v, %v", result, err)
	}
}

// Import puts one resource, as ARM has it, into the inventory.
func (s *Server) Import(resource string) {
	s.t.Helper()
	result, err := s.Inventory.Import(s.t.Context(), "", strings.NewReader(resource), inventory.ImportOptions{Source: "import"})
	if err != nil || result.RejectedTotal > 0 {
		s.t.Fatalf("import: %+v, %v", result, err)
	}
}
