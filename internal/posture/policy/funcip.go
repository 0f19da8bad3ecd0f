package policy

import (
	"fmt"
	"math/big"
	"net/netip"
	"strings"
)

// addressRange is an inclusive range of addresses of one family.
type addressRange struct{ first, last netip.Addr }

// parseRange reads an address, a CIDR block or "first-last".
func parseRange(s string) (addressRange, error) {
	s = strings.TrimSpace(s)
	if a, b, ok := strings.Cut(s, "-"); ok {
		first, err1 := netip.ParseAddr(strings.TrimSpace(a))
		last, err2 := netip.ParseAddr(strings.TrimSpace(b))
		if err1 != nil || err2 != nil {
			return addressRange{}, fmt.Errorf("%q is no address range", clip(s))
		}
		if first.Is4() != last.Is4() || last.Less(first) {
			return addressRange{}, fmt.Errorf("the range %q is empty or mixes families", clip(s))
		}
		return addressRange{first, last}, nil
	}
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return addressRange{}, fmt.Errorf("%q is no CIDR block", clip(s))
		}
		return addressRange{p.Masked().Addr(), lastOf(p)}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return addressRange{}, fmt.Errorf("%q is no address", clip(s))
	}
	return addressRange{a, a}, nil
}

// lastOf is the highest address of a block.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

func fnIPRangeContains(c call) (Value, error) {
	s, err := c.texts(2)
	if err != nil {
		return Value{}, err
	}
	outer, err := parseRange(s[0])
	if err != nil {
		return Value{}, err
	}
	inner, err := parseRange(s[1])
	if err != nil {
		return Value{}, err
	}
	if outer.first.Is4() != inner.first.Is4() {
		return Value{}, fmt.Errorf("%q and %q are of different families", clip(s[0]), clip(s[1]))
	}
	return BoolValue(!inner.first.Less(outer.first) && !outer.last.Less(inner.last)), nil
}

func (c call) prefix() (netip.Prefix, error) {
	s, err := c.text(0)
	if err != nil {
		return netip.Prefix{}, err
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no CIDR block", clip(s))
	}
	return p.Masked(), nil
}

func fnParseCIDR(c call) (Value, error) {
	p, err := c.prefix()
	if err != nil {
		return Value{}, err
	}
	mask := netip.PrefixFrom(allOnes(p.Addr()), p.Bits()).Masked().Addr()
	first, last := p.Addr(), lastOf(p)
	out := ObjectValue(
		Member{"network", StringValue(first.String())}, Member{"netmask", StringValue(mask.String())},
		Member{"broadcast", StringValue(last.String())})
	if p.Bits() < p.Addr().BitLen()-1 {
		first, last = first.Next(), last.Prev()
	}
	out = with(out, "firstUsable", StringValue(first.String()))
	out = with(out, "lastUsable", StringValue(last.String()))
	return with(out, "cidr", IntValue(int64(p.Bits()))), nil
}

func allOnes(a netip.Addr) netip.Addr { return lastOf(netip.PrefixFrom(a, 0)) }

func fnCIDRSubnet(c call) (Value, error) {
	p, err := c.prefix()
	if err != nil {
		return Value{}, err
	}
	size, err := c.small(1)
	if err != nil {
		return Value{}, err
	}
	index, err := c.integer(2)
	if err != nil {
		return Value{}, err
	}
	width := p.Addr().BitLen()
	if size < p.Bits() || size > width || index < 0 {
		return Value{}, fmt.Errorf("a /%d has no subnet %d of size /%d", p.Bits(), index, size)
	}
	step := new(big.Int).Lsh(big.NewInt(index), uint(width-size))
	addr, ok := offset(p.Addr(), step)
	if !ok || !p.Contains(addr) {
		return Value{}, fmt.Errorf("a /%d has no subnet %d of size /%d", p.Bits(), index, size)
	}
	return StringValue(netip.PrefixFrom(addr, size).String()), nil
}

func fnCIDRHost(c call) (Value, error) {
	p, err := c.prefix()
	if err != nil {
		return Value{}, err
	}
	index, err := c.integer(1)
	if err != nil {
		return Value{}, err
	}
	// Host 0 is the first usable address.
	addr, ok := offset(p.Addr(), big.NewInt(index+1))
	if !ok || index < 0 || !p.Contains(addr) {
		return Value{}, fmt.Errorf("%s has no host %d", p, index)
	}
	return StringValue(addr.String()), nil
}

// offset adds n to an address; ok is false beyond the family's last one.
func offset(a netip.Addr, n *big.Int) (netip.Addr, bool) {
	sum := new(big.Int).Add(new(big.Int).SetBytes(a.AsSlice()), n)
	if sum.Sign() < 0 || sum.BitLen() > a.BitLen() {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(sum.FillBytes(make([]byte, a.BitLen()/8)))
}
