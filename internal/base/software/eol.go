package software

import (
	"strings"
	"time"
)

// endOfLife has, by ID and release, the day on which the vendor's freely
// available security updates end (Debian: long-term support included).
// Releases are matched whole, or by their major version.
var endOfLife = map[string]map[string]string{
	"debian":        {"7": "2018-05-31", "8": "2020-06-30", "9": "2022-06-30", "10": "2024-06-30", "11": "2026-08-31", "12": "2028-06-30", "13": "2030-06-30"},
	"ubuntu":        {"14.04": "2019-04-25", "16.04": "2021-04-30", "18.04": "2023-05-31", "20.04": "2025-05-31", "22.04": "2027-04-30", "23.04": "2024-01-25", "23.10": "2024-07-11", "24.04": "2029-04-30", "24.10": "2025-07-10", "25.04": "2026-01-15"},
	"alpine":        {"3.8": "2020-05-01", "3.9": "2020-11-01", "3.10": "2021-05-01", "3.11": "2021-11-01", "3.12": "2022-05-01", "3.13": "2022-11-01", "3.14": "2023-05-01", "3.15": "2023-11-01", "3.16": "2024-05-23", "3.17": "2024-11-22", "3.18": "2025-05-09", "3.19": "2025-11-01", "3.20": "2026-04-01", "3.21": "2026-11-01", "3.22": "2027-05-01"},
	"centos":        {"6": "2020-11-30", "7": "2024-06-30", "8": "2021-12-31"},
	"rhel":          {"6": "2020-11-30", "7": "2024-06-30", "8": "2029-05-31", "9": "2032-05-31", "10": "2035-05-31"},
	"rocky":         {"8": "2029-05-31", "9": "2032-05-31", "10": "2035-05-31"},
	"almalinux":     {"8": "2029-03-01", "9": "2032-05-31", "10": "2035-05-31"},
	"fedora":        {"36": "2023-05-16", "37": "2023-12-05", "38": "2024-05-21", "39": "2024-11-26", "40": "2025-05-13"},
	"opensuse-leap": {"15.3": "2022-12-31", "15.4": "2023-12-07", "15.5": "2024-12-31"},
	"sles":          {"12.5": "2024-10-31", "15.3": "2022-12-31", "15.4": "2023-12-31", "15.5": "2024-12-31", "15.6": "2025-12-31"},
	"amzn":          {"2": "2026-06-30"},
}

// EndOfLife is the day on which security updates of the release end; false if
// that is not known here, which is no statement that they go on.
func (r Release) EndOfLife() (time.Time, bool) {
	releases := endOfLife[r.ID]
	major, rest, _ := strings.Cut(r.Version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	for _, version := range []string{r.Version, major + "." + minor, major} {
		if day, ok := releases[version]; ok {
			t, err := time.Parse(time.DateOnly, day)
			return t, err == nil
		}
	}
	return time.Time{}, false
}
