package baselines

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxRuleDepth bounds nesting of allOf, anyOf and not.
const maxRuleDepth = 8

// validate wants exactly one field and that its values can be used.
func (r *Rule) validate(depth int) error {
	if depth > maxRuleDepth {
		return fmt.Errorf("allOf, anyOf and not are nested more than %d deep", maxRuleDepth)
	}
	v := reflect.ValueOf(r).Elem()
	set := -1
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			continue
		}
		if set >= 0 {
			return errors.New("a rule has exactly one procedure or combination; use allOf for several")
		}
		set = i
	}
	if set < 0 {
		return errors.New("a rule needs a procedure")
	}
	if err := r.validateSet(v.Field(set), depth); err != nil {
		return fmt.Errorf("%s: %w", v.Type().Field(set).Tag.Get("yaml"), err)
	}
	return nil
}

func (r *Rule) validateSet(v reflect.Value, depth int) error {
	for _, sub := range [][]Rule{r.AllOf, r.AnyOf} {
		for i := range sub {
			if err := sub[i].validate(depth + 1); err != nil {
				return err
			}
		}
	}
	switch {
	case r.Not != nil:
		return r.Not.validate(depth + 1)
	case v.Kind() != reflect.Pointer: // allOf, anyOf
		if v.Len() == 0 {
			return errors.New("the list is empty")
		}
		return nil
	case r.AuditRule != nil && (r.AuditRule.Watch == "") == (len(r.AuditRule.Syscalls) == 0):
		return errors.New("either watch or syscalls is required")
	case r.Sudoers != nil && (r.Sudoers.Default == "") == (r.Sudoers.Forbid == ""):
		return errors.New("either default or forbid is required")
	}
	return validateArguments(v.Elem())
}

// optionalArguments need not be given; every other string or list of a
// procedure must be.
var optionalArguments = map[string]bool{
	"missing": true, "separator": true, "owner": true, "group": true, "argument": true, "type": true,
	"watch": true, "syscalls": true, "default": true, "forbid": true, "processes": true, "except": true,
}

// argumentWords are the words that arguments of these names may be.
var argumentWords = map[string][]string{
	"missing":   {"", "pass", "fail", "notApplicable"},
	"of":        {"user", "uid", "group", "gid"},
	"field":     {"minDays", "maxDays", "warnDays", "inactiveDays"},
	"separator": {"", "=", "blank"},
	"protocol":  {"tcp", "udp"},
	"type":      {"", "auth", "account", "password", "session"},
	"anyOf":     {"apparmor", "selinux"},
	"family":    {"debian", "rhel", "suse", "alpine", "arch"},
}

// validateArguments checks one procedure's struct by its field names: they
// mean the same in each.
func validateArguments(v reflect.Value) error {
	for i := range v.NumField() {
		f, key := v.Field(i), v.Type().Field(i).Tag.Get("yaml")
		switch value := f.Interface().(type) {
		case Compare:
			if err := value.validate(); err != nil {
				return err
			}
			continue
		case map[string]string:
			if err := validateDates(value); err != nil {
				return err
			}
		}
		kind := f.Kind()
		if f.IsZero() && !optionalArguments[key] && (kind == reflect.String || kind == reflect.Slice || kind == reflect.Map) {
			return fmt.Errorf("%s is required", key)
		}
		for _, text := range texts(f) {
			if err := validateText(key, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// texts are the strings of a string or list.
func texts(f reflect.Value) []string {
	switch value := f.Interface().(type) {
	case string:
		return []string{value}
	case []string:
		return value
	}
	return nil
}

func validateText(key, text string) error {
	if words, ok := argumentWords[key]; ok && !slices.Contains(words, text) {
		return fmt.Errorf("%s %q is not one of %q", key, text, words)
	}
	switch key {
	case "mode":
		if _, err := strconv.ParseUint(text, 8, 12); err != nil {
			return fmt.Errorf("mode %q is not octal", text)
		}
	case "matches":
		if _, err := regexp.Compile(text); err != nil {
			return fmt.Errorf("matches: %w", err)
		}
	case "path", "paths", "watch":
		if text != "" && !strings.HasPrefix(text, "/") {
			return fmt.Errorf("%s %q is not absolute", key, text)
		}
	}
	return nil
}

func validateDates(dates map[string]string) error {
	for key, text := range dates {
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return fmt.Errorf("%s: %q is not a date (2026-12-31)", key, text)
		}
	}
	return nil
}

func (c Compare) validate() error {
	if err := validateText("matches", c.Matches); err != nil {
		return err
	}
	if c.Min != nil && c.Max != nil && *c.Min > *c.Max {
		return fmt.Errorf("min %d is above max %d", *c.Min, *c.Max)
	}
	return validateText("missing", c.Missing)
}
