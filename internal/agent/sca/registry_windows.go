package sca

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/windows/registry"
)

// hives are the roots that a rule may name, by long and short name.
var hives = map[string]registry.Key{
	"HKEY_LOCAL_MACHINE": registry.LOCAL_MACHINE, "HKLM": registry.LOCAL_MACHINE,
	"HKEY_USERS": registry.USERS, "HKU": registry.USERS,
	"HKEY_CURRENT_USER": registry.CURRENT_USER, "HKCU": registry.CURRENT_USER,
	"HKEY_CLASSES_ROOT": registry.CLASSES_ROOT, "HKCR": registry.CLASSES_ROOT,
	"HKEY_CURRENT_CONFIG": registry.CURRENT_CONFIG,
}

// registry looks for a key, a value of it, or the content of that value.
func (e *evaluator) registry(r *Rule) answer {
	return anyOf(r.Subject, func(key string) answer { return registryKey(key, r) })
}

func registryKey(path string, r *Rule) answer {
	hive, rest, _ := strings.Cut(path, `\`)
	root, ok := hives[strings.ToUpper(hive)]
	if !ok {
		return cannot(Invalid, "%q is no registry root", hive)
	}
	k, err := registry.OpenKey(root, rest, registry.QUERY_VALUE|registry.WOW64_64KEY)
	if errors.Is(err, registry.ErrNotExist) {
		if r.Value == "" {
			return found(false)
		}
		return cannot(NotApplicable, "%s: no such key", path)
	}
	if err != nil {
		return cannot(Unknown, "%s: %v", path, err)
	}
	defer k.Close()
	if r.Value == "" {
		return found(true)
	}
	text, err := registryText(k, r.Value)
	switch {
	case errors.Is(err, registry.ErrNotExist) && r.Content == nil:
		return found(false)
	case errors.Is(err, registry.ErrNotExist):
		return cannot(NotApplicable, "%s: no value %q", path, r.Value)
	case err != nil:
		return cannot(Unknown, "%s: %v", path, err)
	case r.Content == nil:
		return found(true)
	}
	return matched(r.Content.inLines([]byte(text)))
}

// registryText is a value as text; several strings are lines.
func registryText(k registry.Key, name string) (string, error) {
	_, typ, err := k.GetValue(name, nil)
	if err != nil {
		return "", err
	}
	switch typ {
	case registry.DWORD, registry.QWORD:
		n, _, err := k.GetIntegerValue(name)
		return strconv.FormatUint(n, 10), err
	case registry.MULTI_SZ:
		all, _, err := k.GetStringsValue(name)
		return strings.Join(all, "\n"), err
	case registry.SZ, registry.EXPAND_SZ:
		s, _, err := k.GetStringValue(name)
		return s, err
	}
	data, _, err := k.GetBinaryValue(name)
	return strings.ToUpper(strconv.Quote(string(data))), err
}
