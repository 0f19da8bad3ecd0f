package lint

// Severity says what a finding means for who loads the file.
type Severity string

// The severities: an error is not loaded or not evaluated as written; a warning is
// what the specification forbids or what cannot have been meant; a note is style
// that the specification recommends.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Demand is one thing that is demanded of files.
type Demand struct {
	ID       string
	Severity Severity
	Says     string
	Section  string // of the specification
}

// Sections of the specification 2.1, by document.
const (
	ofRules        = "Sigma Rules Specification, "
	ofCorrelations = "Sigma Correlation Rules Specification, "
	ofFilters      = "Sigma Filters Specification, "
	ofModifiers    = "Appendix: Modifiers, "
	ofTags         = "Appendix: Tags"
)

// Demands lists all, in the order of reports.
var Demands = []Demand{
	{"yaml", Error, "A file is YAML in UTF-8.", ofRules + "YAML File"},
	{"evaluable", Error, "A rule can be evaluated as it is written.", ofRules + "Detection"},
	{"placeholder", Warning, "A placeholder is given values by a pipeline, else the rule is refused.", ofModifiers + "Placeholder Modifier"},
	{"duplicate-key", Error, "A key stands once in its map.", ofRules + "YAML File"},
	{"title", Error, "A rule has a title.", ofRules + "Title"},
	{"title-length", Warning, "A title has at most 256 characters.", ofRules + "Title"},
	{"logsource", Error, "A rule names a category, product or service.", ofRules + "Log Source"},
	{"logsource-member", Warning, "A log source has category, product, service and definition, all text.", ofRules + "Log Source"},
	{"detection", Error, "A rule has a detection with a condition.", ofRules + "Detection"},
	{"id", Warning, "An id is a UUID.", ofRules + "Rule Identification"},
	{"id-missing", Note, "A rule has an id, so that others can name it.", ofRules + "Rule Identification"},
	{"id-unique", Error, "No two rules share an id or a name.", ofRules + "Rule Identification"},
	{"status", Warning, "A status is stable, test, experimental, deprecated or unsupported.", ofRules + "Status"},
	{"level", Warning, "A level is informational, low, medium, high or critical.", ofRules + "Level"},
	{"date", Warning, "date and modified are days as YYYY-MM-DD.", ofRules + "Date"},
	{"date-order", Warning, "A rule is not modified before its date.", ofRules + "Modified"},
	{"related", Warning, "A relation has the id of a rule, and is derived, obsolete, merged, renamed or similar.", ofRules + "Related"},
	{"tags", Warning, "A tag is a namespace, a point and a name, in lower case, once.", ofTags},
	{"tags-attack", Warning, "An attack tag is a tactic, a technique (t1059, t1059.001), a group, a software or a campaign.", ofTags},
	{"list", Warning, "references, falsepositives, fields, tags and scope are lists of text without repeats.", ofRules + "Schema"},
	{"text", Warning, "name, taxonomy, description, license and author are text.", ofRules + "Schema"},
	{"member-unknown", Note, "Members beside those of the specification are possible; a name that is nearly one of them is a slip.", ofRules + "Custom Attributes"},
	{"selection-unused", Warning, "Every selection is used by the condition.", ofRules + "Condition"},
	{"condition-case", Note, "Words of a condition are in lower case.", ofRules + "Condition"},
	{"condition-them", Note, "\"of them\" is for more than one selection.", ofRules + "Condition"},
	{"of-nothing", Warning, "A pattern of \"1 of\" or \"all of\" fits at least one selection.", ofRules + "Condition"},
	{"null-in-list", Warning, "null is no value among others.", ofRules + "Special Field Values"},
	{"value-repeated", Warning, "A value stands once in a list (case does not matter without cased).", ofRules + "Lists"},
	{"value-covered", Note, "A value that is found wherever another of the list is adds nothing.", ofRules + "Lists"},
	{"wildcard-modifier", Warning, "contains, startswith and endswith need no * at that end.", ofModifiers + "Generic Modifiers"},
	{"wildcard-only", Note, "A field that must only be there is compared with exists.", ofModifiers + "Generic Modifiers"},
	{"all-single", Warning, "all is for more than one value.", ofModifiers + "Generic Modifiers"},
	{"all-equal", Warning, "No field is equal to several values at a time: all goes with contains and its like.", ofModifiers + "Generic Modifiers"},
	{"regexp-plain", Note, "A regular expression that is only text is a string.", ofModifiers + "Regular Expression"},
	{"filename", Note, "A file name has 10 to 90 of a-z, 0-9 and _, and ends in .yml.", ofRules + "File name"},
	{"correlation-type", Error, "A correlation has a type of the specification.", ofCorrelations + "Correlation type"},
	{"correlation-rules", Error, "A correlation names the rules that it is about.", ofCorrelations + "Related rules"},
	{"correlation-timespan", Error, "A timespan is a number and s, m, h or d.", ofCorrelations + "Time Selection"},
	{"correlation-condition", Error, "A count or value correlation has a condition with gt, gte, lt, lte, eq or neq.", ofCorrelations + "Condition Selection"},
	{"correlation-field", Error, "A value correlation names the field that it reads.", ofCorrelations + "Condition Selection"},
	{"correlation-reference", Warning, "The rules that a correlation or filter names are there.", ofCorrelations + "Related rules"},
	{"filter-rules", Error, "A filter says which rules it is for.", ofFilters + "Rules"},
	{"filter-condition", Error, "A filter has a condition.", ofFilters + "Filter section"},
}

// demands finds one by its id.
var demands = func() map[string]*Demand {
	m := map[string]*Demand{}
	for i := range Demands {
		m[Demands[i].ID] = &Demands[i]
	}
	return m
}()
