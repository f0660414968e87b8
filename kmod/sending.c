// SPDX-License-Identifier: GPL-2.0-only
#include "sending.h"
#include "function.h"
#include "mirror.h"

#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/uvf.h>
#include <net/netlink.h>

/* --- judged ------------------------------------------------------------------------------- */

static bool allowed(u64 value, u64 least, u64 most)
{
	return !value || (value >= least && value <= most);
}

static bool is_u32(const struct nlattr *attr, u32 least, u32 most)
{
	return nla_len(attr) == sizeof(u32) && allowed(nla_get_u32(attr), least, most);
}

int uvf_sending_validate(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	switch (nla_type(attr)) {
	case IFLA_UVF_TX_RATE:
		if (nla_len(attr) == sizeof(u64) &&
		    allowed(nla_get_u64(attr), UVF_TX_RATE_MIN, UVF_TX_RATE_MAX))
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: a tx_rate is 8000 to 400000000000 bits a second, or 0 for none");
		return -EINVAL;
	case IFLA_UVF_TX_PPS:
		if (is_u32(attr, 1, UVF_TX_PPS_MAX))
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: a tx_pps is 1 to 100000000 frames a second, or 0 for none");
		return -EINVAL;
	case IFLA_UVF_TX_BURST:
		if (is_u32(attr, UVF_TX_BURST_MIN, UVF_TX_BURST_MAX))
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: a tx_burst is 64 to 67108864 bytes, or 0 for what suits the rate");
		return -EINVAL;
	default: /* IFLA_UVF_TX_MIRROR */
		if (strnlen(nla_data(attr), nla_len(attr)) < UVF_PCI_SIZE)
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: a tx_mirror is a PCI address, or empty for none");
		return -EINVAL;
	}
}

static int parse_limit(struct nlattr *data[], struct uvf_limit_words *limit,
		       struct netlink_ext_ack *extack)
{
	if (data[IFLA_UVF_TX_RATE])
		limit->rate = nla_get_u64(data[IFLA_UVF_TX_RATE]);
	if (data[IFLA_UVF_TX_PPS])
		limit->pps = nla_get_u32(data[IFLA_UVF_TX_PPS]);
	if (data[IFLA_UVF_TX_BURST])
		limit->burst = nla_get_u32(data[IFLA_UVF_TX_BURST]);
	else if (!limit->rate)
		limit->burst = 0;
	if (limit->rate || !limit->burst)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, data[IFLA_UVF_TX_BURST], "uvf: a tx_burst is one of bytes, and needs a tx_rate");
	return -EINVAL;
}

static int parse_mirror(const struct uvf_netdev *un, const struct nlattr *attr,
			struct uvf_netdev **mirror, struct netlink_ext_ack *extack)
{
	struct uvf_function *function;
	char pci[UVF_PCI_SIZE];

	*mirror = NULL;
	nla_strscpy(pci, attr, sizeof(pci));
	if (!*pci)
		return 0;
	function = uvf_function_named(pci);
	if (!function || !function->netdev) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: no function in use has the PCI address of the tx_mirror; it is written as lspci -D does");
		return -ENODEV;
	}
	*mirror = netdev_priv(function->netdev);
	return uvf_mirror_check(un, *mirror, extack);
}

int uvf_sending_parse(const struct uvf_netdev *un, struct nlattr *data[],
		      struct uvf_sending *sending, struct netlink_ext_ack *extack)
{
	int err;

	sending->limit = uvf_limit_get(un);
	sending->mirror = rtnl_dereference(un->mirror);
	if (!data)
		return 0;
	err = parse_limit(data, &sending->limit, extack);
	if (err || !data[IFLA_UVF_TX_MIRROR])
		return err;
	return parse_mirror(un, data[IFLA_UVF_TX_MIRROR], &sending->mirror, extack);
}

int uvf_sending_set(struct uvf_netdev *un, const struct uvf_sending *sending)
{
	int err = uvf_limit_set(un, &sending->limit);

	if (!err)
		uvf_mirror_set(un, sending->mirror);
	return err;
}

/* --- reported ----------------------------------------------------------------------------- */

size_t uvf_sending_size(void)
{
	return nla_total_size(sizeof(u64)) + 2 * nla_total_size(sizeof(u32)) +
	       nla_total_size(UVF_PCI_SIZE);
}

int uvf_sending_fill(struct sk_buff *skb, const struct uvf_netdev *un)
{
	const struct uvf_limit_words limit = uvf_limit_get(un);
	const struct uvf_netdev *mirror = rtnl_dereference(un->mirror);

	if ((limit.rate && nla_put(skb, IFLA_UVF_TX_RATE, sizeof(limit.rate), &limit.rate)) ||
	    (limit.pps && nla_put_u32(skb, IFLA_UVF_TX_PPS, limit.pps)) ||
	    (limit.burst && nla_put_u32(skb, IFLA_UVF_TX_BURST, limit.burst)) ||
	    (mirror && nla_put_string(skb, IFLA_UVF_TX_MIRROR, pci_name(mirror->pdev))))
		return -EMSGSIZE;
	return 0;
}
