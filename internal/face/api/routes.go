package api

import (
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
)

// importPath takes streams of resources.
const importPath = "/rampart/v1/import"

// eventsPath takes streams of events.
const eventsPath = "/rampart/v1/events"

// table is every endpoint. The first row that matches a path wins, so the
// catch-all for resources is the last. A DELETE answers 204 and a PUT 200
// unless the kind of object says otherwise: clients insist on the codes.
var table = []route{
	// Signing in. The /adfs family is what older command line clients can use
	// with a private authority, /{tenant} is what all others ask for.
	{"GET", "/adfs/.well-known/openid-configuration", public, (*API).openIDADFS},
	{"GET", "/{tenant}/v2.0/.well-known/openid-configuration", public, (*API).openIDTenant},
	{"GET", "/{tenant}/.well-known/openid-configuration", public, (*API).openIDTenant},
	{"POST", "/adfs/oauth2/token", public, (*API).token},
	{"POST", "/adfs/oauth2/devicecode", public, (*API).deviceCode},
	{"GET", "/adfs/device", public, (*API).devicePage},
	{"POST", "/adfs/device", public, (*API).approveDevice},
	{"GET", "/adfs/discovery/keys", public, (*API).keys},
	{"POST", "/{tenant}/oauth2/token", public, (*API).token},
	{"POST", "/{tenant}/oauth2/v2.0/token", public, (*API).token},
	{"POST", "/{tenant}/oauth2/devicecode", public, (*API).deviceCode},
	{"POST", "/{tenant}/oauth2/v2.0/devicecode", public, (*API).deviceCode},
	{"GET", "/{tenant}/device", public, (*API).devicePage},
	{"POST", "/{tenant}/device", public, (*API).approveDevice},
	{"GET", "/{tenant}/discovery/keys", public, (*API).keys},
	{"GET", "/metadata/endpoints", public, (*API).metadataEndpoints},

	// Rampart's own.
	{"GET", "/rampart/v1/health", public, (*API).health},
	{"GET", "/rampart/v1/ready", public, (*API).ready},
	{"POST", importPath, "Rampart/import/action", (*API).importResources},
	{"POST", eventsPath, "Rampart/events/action", (*API).events},
	{"POST", "/rampart/v1/what-if", signedIn, (*API).whatIf},
	{"POST", "/rampart/v1/sweep", "Rampart/posture/sweep/action", (*API).sweep},
	{"GET", "/rampart/v1/history", signedIn, (*API).history},
	{"GET", "/rampart/v1/plan", signedIn, (*API).fixPlan},
	{"GET", "/rampart/v1/exemption-rules", "Microsoft.Authorization/policyExemptions/read", (*API).exemptionRules},
	{"PUT", "/rampart/v1/exemption-rules", exemption.ActionRules, (*API).setExemptionRules},
	{"GET", "/rampart/v1/history/changes", signedIn, (*API).changes},
	{"GET", "/rampart/v1/export/assessments", signedIn, (*API).export},
	{"GET", "/rampart/v1/compliance/report", signedIn, (*API).complianceReport},
	{"GET", "/rampart/v1/compliance/history", signedIn, (*API).complianceHistory},
	{"GET", "/rampart/v1/compliance/controls", signedIn, (*API).complianceAsOf},
	{"GET", "/rampart/v1/governance/report", signedIn, (*API).governanceReport},
	{"POST", "/rampart/v1/link", "Rampart/principals/link/action", (*API).link},
	{"POST", "/rampart/v1/principals", "Rampart/principals/write", (*API).createPrincipal},
	{"DELETE", "/rampart/v1/principals/{principal}", "Rampart/principals/delete", (*API).deletePrincipal},
	{"POST", "/rampart/v1/principals/{principal}/revoke", "Rampart/principals/revoke/action", (*API).revokePrincipal},

	// Directory, subscriptions, inventory.
	{"GET", "/tenants", signedIn, (*API).tenants},
	{"GET", "/subscriptions", signedIn, (*API).subscriptions},
	{"GET", "/subscriptions/{subscription}", signedIn, (*API).subscription},
	{"GET", "/subscriptions/{subscription}/locations", "Microsoft.Resources/subscriptions/read", (*API).subscriptionLocations},
	{"GET", "/subscriptions/{subscription}/resourceGroups", "Microsoft.Resources/subscriptions/resourceGroups/read", (*API).resourceGroups},
	{"GET", "/subscriptions/{subscription}/resources", "Microsoft.Resources/subscriptions/resources/read", (*API).resources},
	{"GET", "/subscriptions/{subscription}/resourceGroups/{group}/resources", "Microsoft.Resources/subscriptions/resources/read", (*API).resources},
	{"GET", "/subscriptions/{subscription}/providers", "Microsoft.Resources/providers/read", (*API).providers},
	{"GET", "/subscriptions/{subscription}/providers/{namespace}", "Microsoft.Resources/providers/read", (*API).providerShow},
	{"POST", "/subscriptions/{subscription}/providers/Microsoft.Security/register", "Microsoft.Security/register/action", (*API).register},
	{"GET", "/providers/{namespace}/operations", signedIn, (*API).operations},

	// Secure score.
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/secureScores", "Microsoft.Security/secureScores/read", (*API).secureScores},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/secureScores/{score}", "Microsoft.Security/secureScores/read", (*API).secureScore},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/secureScores/{score}/secureScoreControls", "Microsoft.Security/secureScoreControls/read", (*API).scoreControls},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/secureScoreControls", "Microsoft.Security/secureScoreControls/read", (*API).scoreControls},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/secureScoreControlDefinitions", "Microsoft.Security/secureScoreControlDefinitions/read", (*API).controlDefinitions},
	{"GET", "/providers/Microsoft.Security/secureScoreControlDefinitions", signedIn, (*API).controlDefinitions},

	// Assessments, their metadata and findings.
	{"GET", "/providers/Microsoft.Security/assessmentMetadata", signedIn, (*API).metadataList},
	{"GET", "/providers/Microsoft.Security/assessmentMetadata/{name}", signedIn, (*API).metadataShow},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/assessmentMetadata", "Microsoft.Security/assessmentMetadata/read", (*API).metadataList},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/assessmentMetadata/{name}", "Microsoft.Security/assessmentMetadata/read", (*API).metadataShow},
	{"PUT", "/subscriptions/{subscription}/providers/Microsoft.Security/assessmentMetadata/{name}", "Microsoft.Security/assessmentMetadata/write", metadataKind.put},
	{"DELETE", "/subscriptions/{subscription}/providers/Microsoft.Security/assessmentMetadata/{name}", "Microsoft.Security/assessmentMetadata/delete", metadataKind.remove},
	{"GET", "{scope}/providers/Microsoft.Security/assessments", "Microsoft.Security/assessments/read", (*API).assessments},
	{"GET", "{scope}/providers/Microsoft.Security/assessments/{assessment}", "Microsoft.Security/assessments/read", (*API).assessment},
	{"PUT", "{scope}/providers/Microsoft.Security/assessments/{name}", "Microsoft.Security/assessments/write", pushedKind.put},
	{"DELETE", "{scope}/providers/Microsoft.Security/assessments/{name}", "Microsoft.Security/assessments/delete", pushedKind.remove},
	{"GET", "{scope}/providers/Microsoft.Security/subAssessments", "Microsoft.Security/assessments/subAssessments/read", (*API).subAssessments},
	{"GET", "{scope}/providers/Microsoft.Security/assessments/{assessment}/subAssessments", "Microsoft.Security/assessments/subAssessments/read", (*API).subAssessmentsOf},
	{"GET", "{scope}/providers/Microsoft.Security/assessments/{assessment}/subAssessments/{name}", "Microsoft.Security/assessments/subAssessments/read", (*API).subAssessment},

	// Plans.
	{"GET", "{scope}/providers/Microsoft.Security/pricings", "Microsoft.Security/pricings/read", (*API).pricings},
	{"GET", "{scope}/providers/Microsoft.Security/pricings/{plan}", "Microsoft.Security/pricings/read", (*API).pricing},
	{"PUT", "{scope}/providers/Microsoft.Security/pricings/{plan}", "Microsoft.Security/pricings/write", (*API).setPricing},
	{"DELETE", "{scope}/providers/Microsoft.Security/pricings/{plan}", "Microsoft.Security/pricings/delete", (*API).deletePricing},

	// Locations and tasks.
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/locations", "Microsoft.Security/locations/read", (*API).locations},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/locations/{location}", "Microsoft.Security/locations/read", (*API).location},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/tasks", "Microsoft.Security/tasks/read", (*API).tasks},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/locations/{location}/tasks", "Microsoft.Security/tasks/read", (*API).tasks},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/locations/{location}/tasks/{task}", "Microsoft.Security/tasks/read", (*API).task},
	{"POST", "/subscriptions/{subscription}/providers/Microsoft.Security/locations/{location}/tasks/{task}/{verb}", "Microsoft.Security/tasks/write", (*API).setTask},
	{"GET", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Security/locations/{location}/tasks", "Microsoft.Security/tasks/read", (*API).tasks},
	{"GET", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Security/locations/{location}/tasks/{task}", "Microsoft.Security/tasks/read", (*API).task},
	{"POST", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Security/locations/{location}/tasks/{task}/{verb}", "Microsoft.Security/tasks/write", (*API).setTask},

	// Alerts.
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/alerts", "Microsoft.Security/alerts/read", (*API).alerts},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/locations/{location}/alerts", "Microsoft.Security/alerts/read", (*API).alerts},
	{"POST", "/subscriptions/{subscription}/providers/Microsoft.Security/locations/{location}/alerts/default/simulate", "Microsoft.Security/alerts/write", (*API).simulateAlerts},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/locations/{location}/alerts/{alert}", "Microsoft.Security/alerts/read", (*API).alert},
	{"POST", "/subscriptions/{subscription}/providers/Microsoft.Security/locations/{location}/alerts/{alert}/{verb}", "Microsoft.Security/alerts/write", (*API).setAlert},
	{"GET", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Security/alerts", "Microsoft.Security/alerts/read", (*API).alerts},
	{"GET", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Security/locations/{location}/alerts", "Microsoft.Security/alerts/read", (*API).alerts},
	{"GET", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Security/locations/{location}/alerts/{alert}", "Microsoft.Security/alerts/read", (*API).alert},
	{"POST", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Security/locations/{location}/alerts/{alert}/{verb}", "Microsoft.Security/alerts/write", (*API).setAlert},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/alertsSuppressionRules", "Microsoft.Security/alertsSuppressionRules/read", suppressionKind.list},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/alertsSuppressionRules/{name}", "Microsoft.Security/alertsSuppressionRules/read", suppressionKind.get},
	{"PUT", "/subscriptions/{subscription}/providers/Microsoft.Security/alertsSuppressionRules/{name}", "Microsoft.Security/alertsSuppressionRules/write", suppressionKind.put},
	{"DELETE", "/subscriptions/{subscription}/providers/Microsoft.Security/alertsSuppressionRules/{name}", "Microsoft.Security/alertsSuppressionRules/delete", suppressionKind.remove},

	// Regulatory compliance.
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/regulatoryComplianceStandards", "Microsoft.Security/regulatoryComplianceStandards/read", (*API).standards},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/regulatoryComplianceStandards/{standard}", "Microsoft.Security/regulatoryComplianceStandards/read", (*API).standard},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/regulatoryComplianceStandards/{standard}/regulatoryComplianceControls", "Microsoft.Security/regulatoryComplianceStandards/read", (*API).standardControls},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/regulatoryComplianceStandards/{standard}/regulatoryComplianceControls/{control}", "Microsoft.Security/regulatoryComplianceStandards/read", (*API).standardControl},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/regulatoryComplianceStandards/{standard}/regulatoryComplianceControls/{control}/regulatoryComplianceAssessments", "Microsoft.Security/regulatoryComplianceStandards/read", (*API).standardAssessments},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/regulatoryComplianceStandards/{standard}/regulatoryComplianceControls/{control}/regulatoryComplianceAssessments/{assessment}", "Microsoft.Security/regulatoryComplianceStandards/read", (*API).standardAssessment},
	{"GET", "{scope}/providers/Microsoft.Security/securityStandards", "Microsoft.Security/securityStandards/read", ownStandardKind.list},
	{"GET", "{scope}/providers/Microsoft.Security/securityStandards/{name}", "Microsoft.Security/securityStandards/read", ownStandardKind.get},
	{"PUT", "{scope}/providers/Microsoft.Security/securityStandards/{name}", "Microsoft.Security/securityStandards/write", putStandard},
	{"DELETE", "{scope}/providers/Microsoft.Security/securityStandards/{name}", "Microsoft.Security/securityStandards/delete", ownStandardKind.remove},
	{"GET", "{scope}/providers/Microsoft.Security/rampartAttestations", "Microsoft.Security/attestations/read", (*API).attestations},
	{"GET", "{scope}/providers/Microsoft.Security/rampartAttestations/{name}", "Microsoft.Security/attestations/read", (*API).attestation},
	{"PUT", "{scope}/providers/Microsoft.Security/rampartAttestations/{name}", "Microsoft.Security/attestations/write", (*API).attest},
	{"DELETE", "{scope}/providers/Microsoft.Security/rampartAttestations/{name}", "Microsoft.Security/attestations/delete", (*API).withdraw},
	{"GET", "{scope}/providers/Microsoft.Security/rampartAttestations/{name}/evidence", "Microsoft.Security/attestations/read", (*API).evidence},
	{"PUT", "{scope}/providers/Microsoft.Security/rampartAttestations/{name}/evidence", "Microsoft.Security/attestations/write", (*API).addEvidence},

	// Settings that are kept as they are put.
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/securityContacts", "Microsoft.Security/securityContacts/read", contactKind.list},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/securityContacts/{name}", "Microsoft.Security/securityContacts/read", contactKind.get},
	{"PUT", "/subscriptions/{subscription}/providers/Microsoft.Security/securityContacts/{name}", "Microsoft.Security/securityContacts/write", contactKind.put},
	{"PATCH", "/subscriptions/{subscription}/providers/Microsoft.Security/securityContacts/{name}", "Microsoft.Security/securityContacts/write", contactKind.patch},
	{"DELETE", "/subscriptions/{subscription}/providers/Microsoft.Security/securityContacts/{name}", "Microsoft.Security/securityContacts/delete", contactKind.remove},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/settings", "Microsoft.Security/settings/read", settingKind.list},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/settings/{name}", "Microsoft.Security/settings/read", settingKind.get},
	{"PUT", "/subscriptions/{subscription}/providers/Microsoft.Security/settings/{name}", "Microsoft.Security/settings/write", settingKind.put},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/autoProvisioningSettings", "Microsoft.Security/autoProvisioningSettings/read", provisioningKind.list},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/autoProvisioningSettings/{name}", "Microsoft.Security/autoProvisioningSettings/read", provisioningKind.get},
	{"PUT", "/subscriptions/{subscription}/providers/Microsoft.Security/autoProvisioningSettings/{name}", "Microsoft.Security/autoProvisioningSettings/write", provisioningKind.put},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/workspaceSettings", "Microsoft.Security/workspaceSettings/read", workspaceKind.list},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Security/workspaceSettings/{name}", "Microsoft.Security/workspaceSettings/read", workspaceKind.get},
	{"PUT", "/subscriptions/{subscription}/providers/Microsoft.Security/workspaceSettings/{name}", "Microsoft.Security/workspaceSettings/write", workspaceKind.put},
	{"PATCH", "/subscriptions/{subscription}/providers/Microsoft.Security/workspaceSettings/{name}", "Microsoft.Security/workspaceSettings/write", workspaceKind.patch},
	{"DELETE", "/subscriptions/{subscription}/providers/Microsoft.Security/workspaceSettings/{name}", "Microsoft.Security/workspaceSettings/delete", workspaceKind.remove},

	// Policy. What is built in is shown at the tenant root to everybody.
	{"GET", "/providers/Microsoft.Authorization/policyDefinitions", signedIn, builtInList(definitionKind)},
	{"GET", "/providers/Microsoft.Authorization/policyDefinitions/{name}", signedIn, builtInShow(definitionKind)},
	{"GET", "/providers/Microsoft.Authorization/policySetDefinitions", signedIn, builtInList(setKind)},
	{"GET", "/providers/Microsoft.Authorization/policySetDefinitions/{name}", signedIn, builtInShow(setKind)},
	{"GET", "{scope}/providers/Microsoft.Authorization/policyDefinitions", "Microsoft.Authorization/policyDefinitions/read", definitionsAt(definitionKind)},
	{"GET", "{scope}/providers/Microsoft.Authorization/policyDefinitions/{name}", "Microsoft.Authorization/policyDefinitions/read", policyShow(definitionKind)},
	{"PUT", "{scope}/providers/Microsoft.Authorization/policyDefinitions/{name}", "Microsoft.Authorization/policyDefinitions/write", definitionKind.put},
	{"DELETE", "{scope}/providers/Microsoft.Authorization/policyDefinitions/{name}", "Microsoft.Authorization/policyDefinitions/delete", definitionKind.remove},
	{"GET", "{scope}/providers/Microsoft.Authorization/policySetDefinitions", "Microsoft.Authorization/policySetDefinitions/read", definitionsAt(setKind)},
	{"GET", "{scope}/providers/Microsoft.Authorization/policySetDefinitions/{name}", "Microsoft.Authorization/policySetDefinitions/read", policyShow(setKind)},
	{"PUT", "{scope}/providers/Microsoft.Authorization/policySetDefinitions/{name}", "Microsoft.Authorization/policySetDefinitions/write", setKind.put},
	{"DELETE", "{scope}/providers/Microsoft.Authorization/policySetDefinitions/{name}", "Microsoft.Authorization/policySetDefinitions/delete", setKind.remove},
	{"GET", "{scope}/providers/Microsoft.Authorization/policyAssignments", "Microsoft.Authorization/policyAssignments/read", appliedAt(assignmentKind)},
	{"GET", "{scope}/providers/Microsoft.Authorization/policyAssignments/{name}", "Microsoft.Authorization/policyAssignments/read", policyShow(assignmentKind)},
	{"PUT", "{scope}/providers/Microsoft.Authorization/policyAssignments/{name}", "Microsoft.Authorization/policyAssignments/write", assignmentKind.put},
	{"PATCH", "{scope}/providers/Microsoft.Authorization/policyAssignments/{name}", "Microsoft.Authorization/policyAssignments/write", assignmentKind.patch},
	{"DELETE", "{scope}/providers/Microsoft.Authorization/policyAssignments/{name}", "Microsoft.Authorization/policyAssignments/delete", assignmentKind.remove},
	{"GET", "{scope}/providers/Microsoft.Authorization/policyExemptions", "Microsoft.Authorization/policyExemptions/read", appliedAt(exemptionKind)},
	{"GET", "{scope}/providers/Microsoft.Authorization/policyExemptions/{name}", "Microsoft.Authorization/policyExemptions/read", policyShow(exemptionKind)},
	{"PUT", "{scope}/providers/Microsoft.Authorization/policyExemptions/{name}", "Microsoft.Authorization/policyExemptions/write", exemptionKind.put},
	{"PATCH", "{scope}/providers/Microsoft.Authorization/policyExemptions/{name}", "Microsoft.Authorization/policyExemptions/write", exemptionKind.patch},
	{"DELETE", "{scope}/providers/Microsoft.Authorization/policyExemptions/{name}", "Microsoft.Authorization/policyExemptions/delete", exemptionKind.remove},
	{"POST", "{scope}/providers/Microsoft.Authorization/policyExemptions/{name}/approve", exemption.ActionApprove, decideExemption(exemption.Approve)},
	{"POST", "{scope}/providers/Microsoft.Authorization/policyExemptions/{name}/reject", exemption.ActionReject, decideExemption(exemption.Reject)},
	{"POST", "{scope}/providers/Microsoft.Authorization/policyExemptions/{name}/renew", exemption.ActionWrite, decideExemption(exemption.Renew)},
	{"POST", "{scope}/providers/Microsoft.PolicyInsights/policyStates/{view}/queryResults", "Microsoft.PolicyInsights/policyStates/queryResults/read", (*API).policyStates},
	{"POST", "{scope}/providers/Microsoft.PolicyInsights/policyStates/{view}/summarize", "Microsoft.PolicyInsights/policyStates/summarize/read", (*API).summarize},
	{"POST", "{scope}/providers/Microsoft.PolicyInsights/policyStates/latest/triggerEvaluation", "Microsoft.PolicyInsights/policyStates/triggerEvaluation/action", (*API).triggerEvaluation},

	{"GET", "/providers/Microsoft.PolicyInsights/policyMetadata", signedIn, (*API).policyMetadataList},
	{"GET", "/providers/Microsoft.PolicyInsights/policyMetadata/{name}", signedIn, (*API).policyMetadata},

	// Governance.
	{"GET", "{scope}/providers/Microsoft.Security/governanceRules", "Microsoft.Security/governanceRules/read", governanceKind.list},
	{"GET", "{scope}/providers/Microsoft.Security/governanceRules/{name}", "Microsoft.Security/governanceRules/read", governanceKind.get},
	{"PUT", "{scope}/providers/Microsoft.Security/governanceRules/{name}", "Microsoft.Security/governanceRules/write", governanceKind.put},
	{"DELETE", "{scope}/providers/Microsoft.Security/governanceRules/{name}", "Microsoft.Security/governanceRules/delete", governanceKind.remove},
	{"POST", "{scope}/providers/Microsoft.Security/governanceRules/{name}/execute", "Microsoft.Security/governanceRules/write", (*API).executeRule},
	{"GET", "{scope}/providers/Microsoft.Security/governanceRules/{name}/operationResults/{operation}", "Microsoft.Security/governanceRules/read", (*API).ruleResult},
	{"GET", "{scope}/providers/Microsoft.Security/assessments/{assessment}/governanceAssignments", "Microsoft.Security/assessments/governanceAssignments/read", (*API).governanceAssignments},
	{"GET", "{scope}/providers/Microsoft.Security/assessments/{assessment}/governanceAssignments/{name}", "Microsoft.Security/assessments/governanceAssignments/read", (*API).governanceAssignment},
	// The owner of a task may promise a date without the right to assign, so the handler asks.
	{"PUT", "{scope}/providers/Microsoft.Security/assessments/{assessment}/governanceAssignments/{name}", signedIn, (*API).putGovernanceAssignment},
	{"DELETE", "{scope}/providers/Microsoft.Security/assessments/{assessment}/governanceAssignments/{name}", ownership.Delete, (*API).deleteGovernanceAssignment},

	// Rules that disable findings.
	{"GET", "{scope}/providers/Microsoft.Security/findingRules", "Microsoft.Security/findingRules/read", appliedAt(findingRuleKind)},
	{"GET", "{scope}/providers/Microsoft.Security/findingRules/{name}", "Microsoft.Security/findingRules/read", findingRuleKind.get},
	{"PUT", "{scope}/providers/Microsoft.Security/findingRules/{name}", "Microsoft.Security/findingRules/write", findingRuleKind.put},
	{"DELETE", "{scope}/providers/Microsoft.Security/findingRules/{name}", "Microsoft.Security/findingRules/delete", findingRuleKind.remove},
	{"POST", "{scope}/providers/Microsoft.Security/findingRules/{name}/preview", "Microsoft.Security/findingRules/read", (*API).previewFindingRule},

	// Roles.
	{"GET", "{scope}/providers/Microsoft.Authorization/roleDefinitions", signedIn, (*API).roleDefinitions},
	{"GET", "{scope}/providers/Microsoft.Authorization/roleDefinitions/{name}", signedIn, (*API).roleDefinition},
	{"GET", "{scope}/providers/Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/roleAssignments/read", (*API).roleAssignments},
	{"GET", "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", "Microsoft.Authorization/roleAssignments/read", (*API).roleAssignment},
	{"PUT", "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", "Microsoft.Authorization/roleAssignments/write", (*API).assignRole},
	{"DELETE", "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", "Microsoft.Authorization/roleAssignments/delete", (*API).unassignRole},

	// Not done here: said, not silently missing.
	{"POST", "/providers/Microsoft.ResourceGraph/resources", signedIn, (*API).notImplemented},

	// Any other id is a resource of the inventory.
	{"GET", "{scope}", "Microsoft.Resources/subscriptions/resources/read", (*API).resourceShow},
}
