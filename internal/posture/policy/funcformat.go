package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// fnFormat is .NET's composite formatting: {index[,alignment][:format]},
// doubled braces stand for themselves.
func fnFormat(c call) (Value, error) {
	pattern, err := c.text(0)
	if err != nil {
		return Value{}, err
	}
	var out strings.Builder
	for rest := pattern; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			out.WriteByte(rest[0])
			rest = rest[2:]
		case rest[0] == '}':
			return Value{}, fmt.Errorf("a brace closes that was not opened")
		case rest[0] == '{':
			item, after, ok := strings.Cut(rest[1:], "}")
			if !ok {
				return Value{}, fmt.Errorf("a brace is not closed")
			}
			text, err := formatItem(item, c.args[1:])
			if err != nil {
				return Value{}, err
			}
			out.WriteString(text)
			rest = after
		default:
			out.WriteByte(rest[0])
			rest = rest[1:]
		}
		if out.Len() > maxResultText {
			break // Invoke reports it
		}
	}
	return StringValue(out.String()), nil
}

func formatItem(item string, args []Value) (string, error) {
	head, spec, _ := strings.Cut(item, ":")
	index, alignment, aligned := strings.Cut(head, ",")
	i, err := strconv.Atoi(strings.TrimSpace(index))
	if err != nil || i < 0 || i >= len(args) {
		return "", fmt.Errorf("there is no argument {%s}", clip(item))
	}
	text, err := formatValue(args[i], spec)
	if err != nil || !aligned {
		return text, err
	}
	width, err := strconv.Atoi(strings.TrimSpace(alignment))
	if err != nil || width > maxResultText || width < -maxResultText {
		return "", fmt.Errorf("%q is no width", clip(alignment))
	}
	return fmt.Sprintf("%*s", width, text), nil
}

// formatValue knows the standard numeric formats D, F, N and X, and custom
// patterns of zeros; other formats are an error rather than a guess.
func formatValue(v Value, spec string) (string, error) {
	if spec == "" || !v.IsNumber() {
		return v.Text(), nil
	}
	if strings.Trim(spec, "0") == "" && v.Kind == Int {
		return fmt.Sprintf("%0*d", min(len(spec), 64), v.Int), nil
	}
	digits, err := strconv.Atoi(spec[1:])
	given := spec[1:] != ""
	if given && (err != nil || digits < 0 || digits > 64) {
		return "", fmt.Errorf("format %q is not supported", clip(spec))
	}
	switch spec[0] {
	case 'D', 'd':
		return fmt.Sprintf("%0*d", digits, int64(v.Number())), nil
	case 'X':
		return fmt.Sprintf("%0*X", digits, int64(v.Number())), nil
	case 'x':
		return fmt.Sprintf("%0*x", digits, int64(v.Number())), nil
	case 'F', 'f', 'N', 'n':
		if !given {
			digits = 2
		}
		text := strconv.FormatFloat(v.Number(), 'f', digits, 64)
		if spec[0] == 'N' || spec[0] == 'n' {
			text = groupThousands(text)
		}
		return text, nil
	}
	return "", fmt.Errorf("format %q is not supported", clip(spec))
}

func groupThousands(s string) string {
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + b.String() + fraction
}
