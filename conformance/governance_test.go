package conformance

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/security/armsecurity"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

// unhealthy is the resource and the name of an assessment that somebody should
// be assigned.
func (s *session) unhealthy(t *testing.T) (resource, name string) {
	t.Helper()
	for _, x := range all(t, s.security(t).NewAssessmentsClient().NewListPager(s.Sub(), nil),
		func(p armsecurity.AssessmentsClientListResponse) []*armsecurity.AssessmentResponse { return p.Value }) {
		if details, ok := x.Properties.ResourceDetails.(*armsecurity.AzureResourceDetails); ok && *x.Properties.Status.Code == armsecurity.AssessmentStatusCodeUnhealthy {
			return *details.ID, *x.Name
		}
	}
	t.Fatal("nothing is unhealthy")
	return "", ""
}

func TestGovernanceAssignments(t *testing.T) {
	s := newSession(t)
	client := s.security(t).NewGovernanceAssignmentsClient()
	resource, name := s.unhealthy(t)
	const key = "3b4f8a5e-0c6f-4f0b-8a86-5d6bb2b3c1aa"
	due := s.Now().Add(7 * 24 * time.Hour).UTC().Truncate(time.Second)
	wanted := armsecurity.GovernanceAssignment{Properties: &armsecurity.GovernanceAssignmentProperties{
		Owner: to.Ptr("user@example.org"), RemediationDueDate: to.Ptr(due), IsGracePeriod: to.Ptr(true),
		RemediationEta:              &armsecurity.RemediationEta{Eta: to.Ptr(due.Add(24 * time.Hour)), Justification: to.Ptr("parts are on order")},
		GovernanceEmailNotification: &armsecurity.GovernanceEmailNotification{DisableManagerEmailNotification: to.Ptr(true)},
		AdditionalData:              &armsecurity.GovernanceAssignmentAdditionalData{TicketNumber: to.Ptr[int32](123), TicketLink: to.Ptr("https://tickets.example.org/123")},
	}}
	made, err := client.CreateOrUpdate(t.Context(), resource, name, key, wanted, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Get(t.Context(), resource, name, key, nil)
	if err != nil || *got.ID != *made.ID || *got.Type != "Microsoft.Security/assessments/governanceAssignments" {
		t.Fatalf("assignment %+v, %v", got, err)
	}
	p := got.Properties
	if *p.Owner != "user@example.org" || !p.RemediationDueDate.Equal(due) || !*p.IsGracePeriod || !p.RemediationEta.Eta.After(due) ||
		*p.AdditionalData.TicketNumber != 123 || !*p.GovernanceEmailNotification.DisableManagerEmailNotification {
		t.Errorf("properties %+v", p)
	}
	list := func(scope string) []*armsecurity.GovernanceAssignment {
		return all(t, client.NewListPager(scope, name, nil), func(p armsecurity.GovernanceAssignmentsClientListResponse) []*armsecurity.GovernanceAssignment {
			return p.Value
		})
	}
	apitest.Eventually(t, "the assignment is listed", func() bool {
		found := list(s.Sub())
		return len(found) == 1 && *found[0].ID == *made.ID
	})
	if _, err := client.Delete(t.Context(), resource, name, key, nil); err != nil {
		t.Error(err)
	}
	if _, err := client.Get(t.Context(), resource, name, key, nil); code(err) != "ResourceNotFound" {
		t.Errorf("after its end: %v", err)
	}
}

func TestGovernanceRules(t *testing.T) {
	s := newSession(t)
	f := s.security(t)
	rules := f.NewGovernanceRulesClient()
	resource, name := s.unhealthy(t)
	const id = "ad9a8e26-29d9-4829-bb30-e597a58cdbb8"
	rule := armsecurity.GovernanceRule{Properties: &armsecurity.GovernanceRuleProperties{
		DisplayName: to.Ptr("Everything in a week"), RulePriority: to.Ptr[int32](200), RemediationTimeframe: to.Ptr("7.00:00:00"),
		RuleType: to.Ptr(armsecurity.GovernanceRuleTypeIntegrated), SourceResourceType: to.Ptr(armsecurity.GovernanceRuleSourceResourceTypeAssessments),
		OwnerSource:   &armsecurity.GovernanceRuleOwnerSource{Type: to.Ptr(armsecurity.GovernanceRuleOwnerSourceTypeManually), Value: to.Ptr("team@example.org")},
		ConditionSets: []any{map[string]any{"conditions": []any{map[string]any{"property": "$.AssessmentKey", "operator": "In", "value": `["` + name + `"]`}}}},
	}}
	if _, err := rules.CreateOrUpdate(t.Context(), s.Sub(), id, rule, nil); err != nil {
		t.Fatal(err)
	}
	execution, err := rules.BeginExecute(t.Context(), s.Sub(), id, &armsecurity.GovernanceRulesClientBeginExecuteOptions{
		ExecuteGovernanceRuleParams: &armsecurity.ExecuteGovernanceRuleParams{Override: to.Ptr(true)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := execution.PollUntilDone(t.Context(), nil); err != nil {
		t.Error(err)
	}
	apitest.Eventually(t, "the rule assigns", func() bool {
		found := all(t, f.NewGovernanceAssignmentsClient().NewListPager(resource, name, nil),
			func(p armsecurity.GovernanceAssignmentsClientListResponse) []*armsecurity.GovernanceAssignment {
				return p.Value
			})
		return len(found) == 1 && *found[0].Properties.Owner == "team@example.org"
	})
	deletion, err := rules.BeginDelete(t.Context(), s.Sub(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deletion.PollUntilDone(t.Context(), nil); err != nil {
		t.Error(err)
	}
	found := all(t, f.NewGovernanceAssignmentsClient().NewListPager(resource, name, nil),
		func(p armsecurity.GovernanceAssignmentsClientListResponse) []*armsecurity.GovernanceAssignment {
			return p.Value
		})
	if len(found) != 1 || *found[0].Properties.Owner != "team@example.org" {
		t.Errorf("a deleted rule kept %v", found)
	}
}
