package content

// Control is a security control of the secure score (content/controls). Its
// points are data, versioned, never code.
type Control struct {
	ID          string `yaml:"id"`   // slug used by recommendations
	Name        string `yaml:"name"` // GUID in the API
	Title       string `yaml:"title"`
	Description string `yaml:"description"`
	Max         int    `yaml:"max"` // points; 0 = shown, never scored
}

// Standard is a compliance standard (content/standards): control numbers and
// our own short titles only, never the standard's text.
type Standard struct {
	ID       string            `yaml:"id"`   // slug, key of Recommendation.Standards
	Name     string            `yaml:"name"` // name in the API
	Title    string            `yaml:"title"`
	Version  string            `yaml:"version"`
	Controls []StandardControl `yaml:"controls"`
}

// StandardControl is one numbered control of a standard.
type StandardControl struct {
	Number string `yaml:"number"`
	Domain string `yaml:"domain"`
	Title  string `yaml:"title"` // our own words
	Manual bool   `yaml:"manual"`
}
