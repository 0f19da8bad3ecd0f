package conformance

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/policyinsights/armpolicyinsights"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armpolicy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armsubscriptions"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/security/armsecurity"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

// session is a signed-in client of a server with the sample estate.
type session struct {
	*apitest.Server
	credential azcore.TokenCredential
	options    *arm.ClientOptions
	sub        string // GUID
}

func newSession(t *testing.T) *session {
	t.Helper()
	s := apitest.New(t)
	s.Estate()
	options := azcore.ClientOptions{
		Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: s.URL + "/",
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: s.URL, Audience: s.URL}}},
		Transport: s.Client,
		Retry:     azpolicy.RetryOptions{MaxRetries: -1},
	}
	credential, err := azidentity.NewClientSecretCredential(s.Facts.TenantID, s.Facts.ClientID, s.Facts.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	return &session{Server: s, credential: credential, options: &arm.ClientOptions{ClientOptions: options}, sub: s.Facts.SubscriptionID}
}

// all reads every page.
func all[P, T any](t *testing.T, pager *runtime.Pager[P], items func(P) []*T) []*T {
	t.Helper()
	var found []*T
	for pager.More() {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, items(page)...)
	}
	return found
}

func (s *session) security(t *testing.T) *armsecurity.ClientFactory {
	t.Helper()
	f, err := armsecurity.NewClientFactory(s.sub, s.credential, s.options)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSubscriptions(t *testing.T) {
	s := newSession(t)
	client, err := armsubscriptions.NewClient(s.credential, s.options)
	if err != nil {
		t.Fatal(err)
	}
	subs := all(t, client.NewListPager(nil), func(p armsubscriptions.ClientListResponse) []*armsubscriptions.Subscription { return p.Value })
	if len(subs) != 1 || *subs[0].SubscriptionID != s.sub || *subs[0].State != armsubscriptions.SubscriptionStateEnabled {
		t.Errorf("subscriptions %+v", subs)
	}
	tenants, err := armsubscriptions.NewTenantsClient(s.credential, s.options)
	if err != nil {
		t.Fatal(err)
	}
	found := all(t, tenants.NewListPager(nil), func(p armsubscriptions.TenantsClientListResponse) []*armsubscriptions.TenantIDDescription {
		return p.Value
	})
	if len(found) != 1 || *found[0].TenantID != s.Facts.TenantID {
		t.Errorf("tenants %+v", found)
	}
}

func TestSecureScore(t *testing.T) {
	s := newSession(t)
	f := s.security(t)
	scores := all(t, f.NewSecureScoresClient().NewListPager(nil), func(p armsecurity.SecureScoresClientListResponse) []*armsecurity.SecureScoreItem { return p.Value })
	if len(scores) != 1 || *scores[0].Name != "ascScore" || *scores[0].Properties.Score.Max <= 0 {
		t.Fatalf("scores %+v", scores)
	}
	score, err := f.NewSecureScoresClient().Get(t.Context(), "ascScore", nil)
	if err != nil || *score.Properties.Score.Max != *scores[0].Properties.Score.Max {
		t.Errorf("score %+v, %v", score, err)
	}
	definition := armsecurity.ExpandControlsEnumDefinition
	controls := all(t, f.NewSecureScoreControlsClient().NewListPager(&armsecurity.SecureScoreControlsClientListOptions{Expand: &definition}),
		func(p armsecurity.SecureScoreControlsClientListResponse) []*armsecurity.SecureScoreControlDetails {
			return p.Value
		})
	if len(controls) == 0 || controls[0].Properties.Definition.Properties.MaxScore == nil {
		t.Errorf("controls %+v", controls)
	}
	definitions := all(t, f.NewSecureScoreControlDefinitionsClient().NewListPager(nil),
		func(p armsecurity.SecureScoreControlDefinitionsClientListResponse) []*armsecurity.SecureScoreControlDefinitionItem {
			return p.Value
		})
	if len(definitions) != len(controls) {
		t.Errorf("%d definitions, %d controls", len(definitions), len(controls))
	}
}

func TestAssessments(t *testing.T) {
	s := newSession(t)
	f := s.security(t)
	client := f.NewAssessmentsClient()
	found := all(t, client.NewListPager(s.Sub(), nil), func(p armsecurity.AssessmentsClientListResponse) []*armsecurity.AssessmentResponse { return p.Value })
	if len(found) == 0 {
		t.Fatal("no assessments")
	}
	details, ok := found[0].Properties.ResourceDetails.(*armsecurity.AzureResourceDetails)
	if !ok || details.ID == nil {
		t.Fatalf("resource details %T", found[0].Properties.ResourceDetails)
	}
	metadata := armsecurity.ExpandEnumMetadata
	one, err := client.Get(t.Context(), *details.ID, *found[0].Name, &armsecurity.AssessmentsClientGetOptions{Expand: &metadata})
	if err != nil || one.Properties.Metadata == nil || *one.ID != *found[0].ID {
		t.Fatalf("assessment %+v, %v", one, err)
	}
	if _, err := f.NewAssessmentsMetadataClient().Get(t.Context(), *one.Name, nil); err != nil {
		t.Error(err)
	}
	all(t, f.NewSubAssessmentsClient().NewListAllPager(s.Sub(), nil), func(p armsecurity.SubAssessmentsClientListAllResponse) []*armsecurity.SubAssessment { return p.Value })
	tasks := all(t, f.NewTasksClient().NewListPager(nil), func(p armsecurity.TasksClientListResponse) []*armsecurity.Task { return p.Value })
	if len(tasks) == 0 {
		t.Fatal("no tasks")
	}
	_, err = f.NewTasksClient().UpdateSubscriptionLevelTaskState(t.Context(), "centralus", *tasks[0].Name, armsecurity.TaskUpdateActionTypeDismiss, nil)
	if err != nil {
		t.Error(err)
	}
}

func TestCustomAssessment(t *testing.T) {
	s := newSession(t)
	f := s.security(t)
	const name = "3f1c7a52-6a55-4c37-8f14-5d2f5a7d1b21"
	metadata, ctx := f.NewAssessmentsMetadataClient(), t.Context()
	_, err := metadata.CreateInSubscription(ctx, name, armsecurity.AssessmentMetadataResponse{Properties: &armsecurity.AssessmentMetadataPropertiesResponse{
		DisplayName: to.Ptr("Own"), Severity: to.Ptr(armsecurity.SeverityLow), AssessmentType: to.Ptr(armsecurity.AssessmentTypeCustomerManaged)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.NewAssessmentsClient().CreateOrUpdate(ctx, s.Vault(), name, armsecurity.Assessment{Properties: &armsecurity.AssessmentProperties{
		ResourceDetails: &armsecurity.AzureResourceDetails{Source: to.Ptr(armsecurity.SourceAzure)},
		Status:          &armsecurity.AssessmentStatus{Code: to.Ptr(armsecurity.AssessmentStatusCodeHealthy)}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.NewAssessmentsClient().Delete(ctx, s.Vault(), name, nil); err != nil {
		t.Error(err)
	}
	if _, err := metadata.DeleteInSubscription(ctx, name, nil); err != nil {
		t.Error(err)
	}
}

func TestPricings(t *testing.T) {
	s := newSession(t)
	client := s.security(t).NewPricingsClient()
	listed, err := client.List(t.Context(), s.Sub(), nil)
	if err != nil || len(listed.Value) < 10 {
		t.Fatalf("%d plans, %v", len(listed.Value), err)
	}
	on, err := client.Update(t.Context(), s.Sub(), "StorageAccounts", armsecurity.Pricing{Properties: &armsecurity.PricingProperties{
		PricingTier: to.Ptr(armsecurity.PricingTierStandard), SubPlan: to.Ptr("DefenderForStorageV2"),
		Extensions: []*armsecurity.Extension{{Name: to.Ptr("OnUploadMalwareScanning"), IsEnabled: to.Ptr(armsecurity.IsEnabledTrue)}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := on.Properties; *p.PricingTier != armsecurity.PricingTierStandard || len(p.Extensions) != 2 || p.EnablementTime == nil {
		t.Errorf("plan %+v", on.Properties)
	}
	if _, err := client.Update(t.Context(), s.Sub(), "Nothing", armsecurity.Pricing{Properties: &armsecurity.PricingProperties{PricingTier: to.Ptr(armsecurity.PricingTierFree)}}, nil); code(err) != "ResourceNotFound" {
		t.Errorf("an unknown plan gives %v", err)
	}
}

func TestSettings(t *testing.T) {
	s := newSession(t)
	f, ctx := s.security(t), t.Context()
	_, err := f.NewContactsClient().Create(ctx, armsecurity.SecurityContactNameDefault, armsecurity.Contact{Properties: &armsecurity.ContactProperties{
		Emails: to.Ptr("a@b.example;c@d.example"), IsEnabled: to.Ptr(true),
		NotificationsSources: []armsecurity.NotificationsSourceClassification{&armsecurity.NotificationsSourceAlert{SourceType: to.Ptr(armsecurity.SourceTypeAlert), MinimalSeverity: to.Ptr(armsecurity.MinimalSeverityHigh)}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.NewContactsClient().Delete(ctx, armsecurity.SecurityContactNameDefault, nil); err != nil {
		t.Error(err)
	}
	set, err := f.NewSettingsClient().Update(ctx, armsecurity.SettingNameMCAS, &armsecurity.DataExportSettings{Kind: to.Ptr(armsecurity.SettingKindDataExportSettings),
		Properties: &armsecurity.DataExportSettingProperties{Enabled: to.Ptr(true)}}, nil)
	if _, ok := set.SettingClassification.(*armsecurity.DataExportSettings); err != nil || !ok {
		t.Errorf("setting %T, %v", set.SettingClassification, err)
	}
	provisioning, err := f.NewAutoProvisioningSettingsClient().Create(ctx, "default", armsecurity.AutoProvisioningSetting{
		Properties: &armsecurity.AutoProvisioningSettingProperties{AutoProvision: to.Ptr(armsecurity.AutoProvisionOn)}}, nil)
	if err != nil || *provisioning.Properties.AutoProvision != armsecurity.AutoProvisionOn {
		t.Errorf("%+v, %v", provisioning, err)
	}
	locations := all(t, f.NewLocationsClient().NewListPager(nil), func(p armsecurity.LocationsClientListResponse) []*armsecurity.AscLocation { return p.Value })
	if len(locations) == 0 {
		t.Error("clients need a location")
	}
}

func TestCompliance(t *testing.T) {
	s := newSession(t)
	f := s.security(t)
	standards := all(t, f.NewRegulatoryComplianceStandardsClient().NewListPager(nil),
		func(p armsecurity.RegulatoryComplianceStandardsClientListResponse) []*armsecurity.RegulatoryComplianceStandard {
			return p.Value
		})
	for _, standard := range standards {
		controls := all(t, f.NewRegulatoryComplianceControlsClient().NewListPager(*standard.Name, nil),
			func(p armsecurity.RegulatoryComplianceControlsClientListResponse) []*armsecurity.RegulatoryComplianceControl {
				return p.Value
			})
		if len(controls) == 0 {
			t.Errorf("%s has no controls", *standard.Name)
			continue
		}
		all(t, f.NewRegulatoryComplianceAssessmentsClient().NewListPager(*standard.Name, *controls[0].Name, nil),
			func(p armsecurity.RegulatoryComplianceAssessmentsClientListResponse) []*armsecurity.RegulatoryComplianceAssessment {
				return p.Value
			})
	}
}

func TestPolicy(t *testing.T) {
	s := newSession(t)
	f, err := armpolicy.NewClientFactory(s.sub, s.credential, s.options)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	rule := map[string]any{"if": map[string]any{"field": "type", "equals": "Microsoft.KeyVault/vaults"}, "then": map[string]any{"effect": "audit"}}
	definition, err := f.NewDefinitionsClient().CreateOrUpdate(ctx, "d1", armpolicy.Definition{Properties: &armpolicy.DefinitionProperties{Mode: to.Ptr("All"), PolicyRule: rule}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := f.NewSetDefinitionsClient().CreateOrUpdate(ctx, "s1", armpolicy.SetDefinition{Properties: &armpolicy.SetDefinitionProperties{
		PolicyDefinitions: []*armpolicy.DefinitionReference{{PolicyDefinitionID: definition.ID}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	assignment, err := f.NewAssignmentsClient().Create(ctx, s.Sub(), "a1", armpolicy.Assignment{Properties: &armpolicy.AssignmentProperties{PolicyDefinitionID: set.ID}}, nil)
	if err != nil || *assignment.Properties.Scope != s.Sub() {
		t.Fatalf("%+v, %v", assignment, err)
	}
	assignments := all(t, f.NewAssignmentsClient().NewListPager(nil), func(p armpolicy.AssignmentsClientListResponse) []*armpolicy.Assignment { return p.Value })
	if len(assignments) != 2 {
		t.Errorf("%d assignments, want this one and the built-in", len(assignments))
	}
	builtIn := all(t, f.NewDefinitionsClient().NewListBuiltInPager(nil), func(p armpolicy.DefinitionsClientListBuiltInResponse) []*armpolicy.Definition { return p.Value })
	if len(builtIn) == 0 || *builtIn[0].Properties.PolicyType != armpolicy.PolicyTypeBuiltIn {
		t.Errorf("%d built-in definitions", len(builtIn))
	}
	if _, err := f.NewSetDefinitionsClient().GetBuiltIn(ctx, "1f3afdf9-d0c9-4c3d-847f-89da613e70a8", nil); err != nil {
		t.Error(err)
	}
	if _, err := f.NewAssignmentsClient().Update(ctx, s.Sub(), "a1", armpolicy.AssignmentUpdate{Properties: &armpolicy.AssignmentUpdateProperties{}}, nil); err != nil {
		t.Error(err)
	}
	if _, err := f.NewAssignmentsClient().Delete(ctx, s.Sub(), "a1", nil); err != nil {
		t.Error(err)
	}
	if _, err := f.NewSetDefinitionsClient().Delete(ctx, "s1", nil); err != nil {
		t.Error(err)
	}
	if _, err := f.NewDefinitionsClient().Delete(ctx, "d1", nil); err != nil {
		t.Error(err)
	}
	if _, err := f.NewDefinitionsClient().Get(ctx, "d1", nil); code(err) != "PolicyDefinitionNotFound" {
		t.Errorf("a definition that is gone gives %v", err)
	}
}

func TestPolicyStates(t *testing.T) {
	s := newSession(t)
	client, err := armpolicyinsights.NewPolicyStatesClient(s.credential, s.options)
	if err != nil {
		t.Fatal(err)
	}
	states := all(t, client.NewListQueryResultsForSubscriptionPager(armpolicyinsights.PolicyStatesResourceLatest, s.sub, nil, nil),
		func(p armpolicyinsights.PolicyStatesClientListQueryResultsForSubscriptionResponse) []*armpolicyinsights.PolicyState {
			return p.Value
		})
	if len(states) == 0 || states[0].ComplianceState == nil || states[0].Timestamp == nil {
		t.Fatalf("%d states", len(states))
	}
	ofVault := all(t, client.NewListQueryResultsForResourcePager(armpolicyinsights.PolicyStatesResourceLatest, s.Vault(), nil, nil),
		func(p armpolicyinsights.PolicyStatesClientListQueryResultsForResourceResponse) []*armpolicyinsights.PolicyState {
			return p.Value
		})
	if len(ofVault) == 0 || len(ofVault) >= len(states) {
		t.Errorf("%d of %d states are the vault's", len(ofVault), len(states))
	}
	summary, err := client.SummarizeForSubscription(t.Context(), armpolicyinsights.PolicyStatesSummaryResourceTypeLatest, s.sub, nil, nil)
	if err != nil || len(summary.Value) != 1 || *summary.Value[0].Results.NonCompliantPolicies == 0 {
		t.Errorf("summary %+v, %v", summary, err)
	}
	poller, err := client.BeginTriggerSubscriptionEvaluation(t.Context(), s.sub, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := poller.PollUntilDone(ctx, nil); err != nil {
		t.Error(err)
	}
}

func TestWrongSecret(t *testing.T) {
	s := newSession(t)
	credential, err := azidentity.NewClientSecretCredential("adfs", s.Facts.ClientID, "wrong", &azidentity.ClientSecretCredentialOptions{ClientOptions: s.options.ClientOptions})
	if err != nil {
		t.Fatal(err)
	}
	_, err = credential.GetToken(t.Context(), azpolicy.TokenRequestOptions{Scopes: []string{s.URL + "/.default"}})
	var failed *azidentity.AuthenticationFailedError
	if !errors.As(err, &failed) || failed.RawResponse.StatusCode != http.StatusUnauthorized || !strings.Contains(err.Error(), "client secret is wrong") {
		t.Errorf("error %v", err)
	}
}

// code is the error code of a refusal, "" for anything else.
func code(err error) string {
	var refused *azcore.ResponseError
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.ErrorCode
}
