package alert

import (
	"slices"
	"strings"
)

// tactics are the ATT&CK enterprise tactics in the order of an attack, by their
// Sigma tag, with the spelling of the ARM alerts API's intents.
var tactics = []struct{ tag, intent, title string }{
	{"reconnaissance", "PreAttack", "Reconnaissance"},
	{"resource-development", "PreAttack", "Resource Development"},
	{"initial-access", "InitialAccess", "Initial Access"},
	{"execution", "Execution", "Execution"},
	{"persistence", "Persistence", "Persistence"},
	{"privilege-escalation", "PrivilegeEscalation", "Privilege Escalation"},
	{"defense-evasion", "DefenseEvasion", "Defense Evasion"},
	{"stealth", "DefenseEvasion", "Defense Evasion"},
	{"defense-impairment", "DefenseEvasion", "Defense Evasion"},
	{"credential-access", "CredentialAccess", "Credential Access"},
	{"discovery", "Discovery", "Discovery"},
	{"lateral-movement", "LateralMovement", "Lateral Movement"},
	{"collection", "Collection", "Collection"},
	{"command-and-control", "CommandAndControl", "Command and Control"},
	{"exfiltration", "Exfiltration", "Exfiltration"},
	{"impact", "Impact", "Impact"},
}

// readTags gives the tactics, as ARM spells intents and in the order of an
// attack, and the techniques of Sigma tags such as attack.t1059.001.
func readTags(tags []string) (intents, techniques []string) {
	for _, tag := range tags {
		name, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
		if !ok {
			continue
		}
		if len(name) > 1 && name[0] == 't' && name[1] >= '0' && name[1] <= '9' {
			techniques = append(techniques, strings.ToUpper(name))
			continue
		}
		name = strings.ReplaceAll(name, "_", "-")
		for _, t := range tactics {
			if t.tag == name && !slices.Contains(intents, t.intent) {
				intents = append(intents, t.intent)
			}
		}
	}
	sortTactics(intents)
	return intents, techniques
}

func stage(intent string) int {
	for i, t := range tactics {
		if t.intent == intent {
			return i
		}
	}
	return len(tactics)
}

func sortTactics(intents []string) {
	slices.SortStableFunc(intents, func(a, b string) int { return stage(a) - stage(b) })
}

// TacticTitle is an intent as people read it: "Initial Access".
func TacticTitle(intent string) string {
	for _, t := range tactics {
		if t.intent == intent {
			return t.title
		}
	}
	return intent
}
