package policy

import "fmt"

// existence judges the *IfNotExists effects.
func (e *Evaluator) existence(b *Bound, r *Resource, env Environment) Verdict {
	v := Verdict{Effect: b.Effect}
	run := e.run(b, r, r, env)
	truth, trace := run.condition(b.If, nil)
	v.If = trace
	if truth != True {
		v.State = map[Truth]State{False: NotApplicable, Open: Unknown, Failed: Error}[truth]
		v.Reason = trace.Reason()
		return v
	}
	q, open, err := run.query(b.Details)
	if err != nil {
		v.State, v.Reason = Error, fmt.Sprintf("%s: %v", b.Details.Path, err)
		return v
	}
	if open != "" {
		v.State, v.Reason = Unknown, "where to look for "+q.Type+" is not known: "+open
		return v
	}
	list, err := e.related(q)
	if err != nil {
		v.State, v.Reason = Error, fmt.Sprintf("look for %s: %v", q.Type, err)
		return v
	}
	e.judge(&v, run, list)
	e.conclude(&v, q, run)
	return v
}

func (e *Evaluator) related(q Query) ([]*Resource, error) {
	if e.Estate == nil {
		return nil, nil
	}
	return e.Estate.Related(q)
}

// judge evaluates applicableWhen and the existenceCondition on every related
// resource. The state is a first answer: conclude finishes it.
func (e *Evaluator) judge(v *Verdict, run *run, list []*Resource) {
	for _, doc := range list {
		inner := e.run(run.bound, doc, run.root, run.env)
		t := RelatedTrace{ID: doc.idText(), Result: True}
		if c := run.bound.ApplicableWhen; c != nil {
			// applicableWhen is about the related document alone.
			self := e.run(run.bound, doc, doc, run.env)
			var applies Truth
			if applies, t.Applicable = self.condition(c, nil); applies != True {
				t.Result = applies
				v.Related = append(v.Related, t)
				continue
			}
		}
		if c := run.bound.Details.ExistenceCondition; c != nil {
			t.Result, t.Existence = inner.condition(c, nil)
		}
		v.Related = append(v.Related, t)
	}
}

// conclude reduces the related resources to a state: one that satisfies is
// enough; else one that might makes it unknown, as does a type that was not
// delivered; if the check applies to none of them, neither does the policy. With
// an applicableWhen the related resource is a report: without one nothing is known.
func (e *Evaluator) conclude(v *Verdict, q Query, run *run) {
	best, inapplicable := False, 0
	var decided RelatedTrace
	for _, t := range v.Related {
		if t.Applicable != nil && t.Applicable.Result == False {
			inapplicable++
			continue
		}
		if best = best.or(t.Result); t.Result == best || decided.ID == "" {
			decided = t
		}
	}
	hidden := e.hiddenType(q, run.root)
	switch {
	case best == True:
		v.State, v.Reason = Compliant, decided.reason("satisfies")
	case best == Failed:
		v.State, v.Reason = Error, decided.reason("cannot be evaluated")
	case best == Open:
		v.State, v.Reason = Unknown, decided.reason("is not known")
	case hidden != "":
		v.State, v.Reason = Unknown, "related resources were not delivered: "+hidden
	case inapplicable > 0 && inapplicable == len(v.Related):
		v.State, v.Reason = NotApplicable, "the check says that it does not apply"
	case len(v.Related) == 0 && run.bound.ApplicableWhen != nil:
		v.State, v.Reason = Unknown, "there is no "+q.describe()+" to say whether the check applies"
	case len(v.Related) == 0:
		v.State, v.Reason = NonCompliant, "there is no "+q.describe()
	default:
		v.State, v.Reason = NonCompliant, decided.reason("does not satisfy")
	}
}

// hiddenType returns the declaration by which the looked-for type was not
// delivered for the resource or for the container that is looked at, or the type
// itself where nobody has delivered it in the resource's subscription.
func (e *Evaluator) hiddenType(q Query, r *Resource) string {
	if text := r.HiddenType(q.Type); text != "" {
		return text
	}
	if sub := r.ID.SubscriptionID(); e.Delivered != nil && sub != "" && !e.Delivered(sub, q.Type) {
		return q.Type
	}
	if e.Estate == nil || q.Scope.Equal(r.ID) {
		return ""
	}
	if doc := e.Estate.Resource(q.Scope); doc != nil {
		return doc.HiddenType(q.Type)
	}
	return ""
}

func (q Query) describe() string {
	s := q.Type
	if q.Name != "" {
		s += " named " + q.Name
	}
	if q.Scope.Name() != "" {
		s += " in " + q.Scope.String()
	}
	return s
}

func (t RelatedTrace) reason(verb string) string {
	trace := t.Existence
	if trace == nil {
		trace = t.Applicable
	}
	s := fmt.Sprintf("%s %s", t.ID, verb)
	if trace != nil {
		s += ": " + trace.Reason()
	}
	return s
}
