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
