package cloud

import (
	"bytes"
	"io"
	"strings"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
)

// Azure names have no case: logs and rules write operationName and OperationName.
// Fields are found at the top and in properties, which is where a diagnostic
// setting puts what the log of a service itself has at the top.
var azureLayout = jsonlog.Layout{
	Bases:    []string{"", "properties"},
	Lists:    []string{"records", "value"},
	FoldKeys: true,
	Paths: map[string]string{
		"operationName.value":        "operationName",
		"category.value":             "category",
		"resourceProviderName.value": "ResourceProviderValue",
		"status.value":               "resultType",
	},
}

var azureTimes = []string{"time", "eventTimestamp", "TimeGenerated", "createdDateTime", "activityDateTime"}

var azureActivity = event.NewKind("azure", nil, []string{"activitylogs"})

// AzureActivity reads the Azure activity log as diagnostic settings export it, as
// the REST API lists it (value/localizedValue), and as Log Analytics has it.
func AzureActivity(in io.Reader, s *event.Schema) event.Decoder {
	src := source{
		layout: azureLayout,
		needs:  []string{"operationName", "ResourceProviderValue", "resourceId"},
		times:  azureTimes,
		aliases: [][2]string{
			{"operationName", "OperationNameValue"}, {"OperationNameValue", "operationName"}, {"OperationName", "operationName"},
			{"CategoryValue", "category"}, {"category", "CategoryValue"}, {"properties.message", "operationName"},
		},
		kind: func(r *event.Record, f fields) (*event.Kind, error) {
			provider, _, _ := bytes.Cut(f.text(r, "operationName"), []byte("/"))
			f.give(r, "ResourceProviderValue", provider)
			return azureActivity, nil
		},
	}
	return src.open(in, s)
}

// The Microsoft Entra logs by their category.
var (
	entraSignIn = event.NewKind("azure", nil, []string{"signinlogs"})
	entraAudit  = event.NewKind("azure", nil, []string{"auditlogs"})
	entraRisk   = event.NewKind("azure", nil, []string{"riskdetection", "pim"})
)

// AzureSignIn reads the Microsoft Entra logs: sign-ins of all four kinds, the
// directory audit log, risk detections and PIM alerts, as diagnostic settings
// export them and as Microsoft Graph lists them.
func AzureSignIn(in io.Reader, s *event.Schema) event.Decoder {
	src := source{
		layout: azureLayout,
		needs:  []string{"category", "riskEventType", "initiatedBy", "activityDisplayName", "ResultType", "Status", "ActivityDetails", "status.errorCode"},
		times:  azureTimes,
		aliases: [][2]string{
			{"operationName", "activityDisplayName"}, {"activityDisplayName", "operationName"}, {"OperationName", "operationName"},
			{"ActivityDisplayName", "activityDisplayName"}, {"ActivityType", "activityDisplayName"}, {"properties.message", "activityDisplayName"},
			{"resultType", "status.errorCode"}, {"ResultType", "status.errorCode"}, {"ResultDescription", "status.failureReason"},
			{"Username", "userPrincipalName"}, {"ClientApp", "clientAppUsed"}, {"userAgent", "UserAgent"},
			{"callerIpAddress", "ipAddress"}, {"properties.result", "result"},
		},
		kind: entraKind,
	}
	return src.open(in, s)
}

func entraKind(r *event.Record, f fields) (*event.Kind, error) {
	category := strings.ToLower(string(f.text(r, "category")))
	switch {
	case r.First(f["riskEventType"]) != 0 || category == "userriskevents" || category == "riskyusers":
		return entraRisk, nil
	case strings.Contains(category, "signin") || category == "" && r.First(f["initiatedBy"]) == 0:
		f.give(r, "ActivityDetails", []byte("Sign-ins"))
		result := "Failure"
		if code := string(f.text(r, "ResultType")); code == "0" {
			result = "Success"
		} else if code == "" {
			return entraSignIn, nil
		}
		r.Put(f["Status"], event.Value{Raw: r.Keep([]byte(result))})
		return entraSignIn, nil
	}
	r.Alias(f["Status"], f["properties.result"])
	return entraAudit, nil
}

// resourceKinds are the log sources of resource log categories, in lower case.
// Others are azure with the category as their service.
var resourceKinds = map[string]*event.Kind{
	"appservicehttplogs":           event.NewKind("azure", []string{"webserver"}, []string{"appservicehttplogs"}),
	"frontdooraccesslog":           event.NewKind("azure", []string{"webserver"}, []string{"frontdooraccesslog"}),
	"applicationgatewayaccesslog":  event.NewKind("azure", []string{"webserver"}, []string{"applicationgatewayaccesslog"}),
	"sqlsecurityauditevents":       event.NewKind("azure", []string{"database"}, []string{"sqlsecurityauditevents"}),
	"kube-audit":                   kubernetesAudit,
	"kube-audit-admin":             kubernetesAudit,
	"signinlogs":                   entraSignIn,
	"noninteractiveusersigninlogs": entraSignIn,
	"serviceprincipalsigninlogs":   entraSignIn,
	"managedidentitysigninlogs":    entraSignIn,
	"auditlogs":                    entraAudit,
	"administrative":               azureActivity,
}

// AzureResource reads resource logs as diagnostic settings export them. HTTP logs
// have the W3C names that rules for web servers use; Kubernetes audit logs are
// read as such.
func AzureResource(in io.Reader, s *event.Schema) event.Decoder {
	layout := azureLayout
	layout.Embedded = []string{"properties.log"}
	src := source{
		layout: layout,
		needs:  []string{"category"},
		times:  azureTimes,
		aliases: [][2]string{
			{"cs-method", "CsMethod"}, {"cs-uri-stem", "CsUriStem"}, {"cs-uri-query", "CsUriQuery"}, {"sc-status", "ScStatus"},
			{"c-ip", "CIp"}, {"cs-host", "CsHost"}, {"cs-user-agent", "UserAgent"}, {"cs-referer", "Referer"}, {"cs-username", "CsUsername"},
			{"cs-method", "httpMethod"}, {"cs-uri-stem", "requestUri"}, {"cs-uri-query", "requestQuery"}, {"sc-status", "httpStatusCode"}, {"c-ip", "clientIp"},
			{"properties.message", "operationName"}, {"OperationNameValue", "operationName"}, {"CategoryValue", "category"},
		},
		kind: func(r *event.Record, f fields) (*event.Kind, error) {
			category := f.text(r, "category")
			var buf [64]byte
			if k := resourceKinds[string(event.AppendFold(buf[:0], category))]; k != nil {
				return k, nil
			}
			if len(category) == 0 || len(category) > 60 {
				return azurePlain, nil
			}
			return event.NewKind("azure", nil, []string{string(category)}), nil
		},
	}
	return src.open(in, s)
}

var azurePlain = event.NewKind("azure", nil, nil)
