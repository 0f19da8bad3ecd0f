package ecosystem

import "strings"

// Covers reports whether an advisory for one release and channel speaks of
// packages of another: the releases are equal, and the advisory is for the usual
// channel or for the package's own.
func Covers(advisory, installed Ecosystem) bool {
	return advisory.Base == installed.Base && advisory.Release == installed.Release &&
		(advisory.Channel == "" || advisory.Channel == installed.Channel)
}

func wholeRelease(text string) (string, string) { return strings.TrimSpace(text), "" }

// firstNumber keeps the major release: "12.5" is 12, "9" is 9. What has no
// number (a code name) stays whole.
func firstNumber(text string) (string, string) {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end > 0 {
		return text[:end], ""
	}
	return text, ""
}

// ubuntuRelease reads "22.04:LTS", "Pro:18.04:LTS", "Pro:FIPS-updates:22.04:LTS".
func ubuntuRelease(text string) (string, string) {
	var channel []string
	for part := range strings.SplitSeq(text, ":") {
		if part != "" && part[0] >= '0' && part[0] <= '9' {
			return part, strings.Join(channel, ":")
		}
		channel = append(channel, part)
	}
	return text, ""
}

// alpineRelease keeps branch names in their usual form: "3.20.1" is "v3.20".
func alpineRelease(text string) (string, string) {
	digits := strings.TrimPrefix(text, "v")
	if digits == "" || digits[0] < '0' || digits[0] > '9' {
		return text, "" // edge
	}
	major, rest, _ := strings.Cut(digits, ".")
	minor, _, _ := strings.Cut(rest, ".")
	minor, _, _ = strings.Cut(minor, "_") // 3.21_alpha20240807
	return "v" + major + "." + minor, ""
}

// redHatRelease reads the tail of a CPE: "enterprise_linux:9::appstream",
// "rhel_eus:9.4::baseos", "openshift:4.12::el9", or a plain "9.4". What is not
// the enterprise Linux itself is a channel, whose version stays as it is.
func redHatRelease(text string) (string, string) {
	product, rest, found := strings.Cut(text, ":")
	if !found {
		return firstNumber(text)
	}
	release, _, _ := strings.Cut(rest, ":")
	if product == "enterprise_linux" {
		return firstNumber(release)
	}
	return release, product
}

// suseRelease reads "Linux Enterprise Server 15 SP5-LTSS" and the names of
// modules. All modules of one service pack are one release; live patches are a
// product of their own.
func suseRelease(text string) (string, string) {
	words := strings.Fields(text)
	start := len(words)
	for start > 0 && isReleaseWord(words[start-1]) {
		start--
	}
	release := strings.Join(words[start:], " ")
	for _, tail := range []string{"-LTSS", "-ESPOS", "-TERADATA", "-BCL"} {
		release = strings.TrimSuffix(release, tail)
	}
	if strings.Contains(text, "Live Patching") {
		return release, "Live Patching"
	}
	if release == "" {
		return text, ""
	}
	return release, ""
}

func isReleaseWord(w string) bool {
	return w[0] >= '0' && w[0] <= '9' || len(w) > 2 && strings.HasPrefix(w, "SP") && w[2] >= '0' && w[2] <= '9'
}
