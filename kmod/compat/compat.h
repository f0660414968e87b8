/* SPDX-License-Identifier: GPL-2.0-only */
/* All that differs between the kernels we build for. Each entry names the release of the change. */
#ifndef UVF_COMPAT_H
#define UVF_COMPAT_H

#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/version.h>
#include <net/rtnetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "uvf needs Linux 6.1 or newer"
#endif

/* 6.5: skb_gso_segment() has a header of its own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#include <net/gso.h>
#endif

/* 6.15: netdev_lockdep_set_classes() has moved. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#include <net/netdev_lock.h>
#endif

/* 6.12: a bit of its own instead of a feature. */
static inline void uvf_compat_set_lltx(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

/* 6.3: a device tells what it can do with XDP; DEVMAP and AF_XDP ask. */
static inline void uvf_compat_set_xdp_features(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	dev->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |
			    NETDEV_XDP_ACT_RX_SG | NETDEV_XDP_ACT_NDO_XMIT |
			    NETDEV_XDP_ACT_NDO_XMIT_SG | NETDEV_XDP_ACT_XSK_ZEROCOPY;
#endif
}

/* 6.10: __assign_str() knows its source from __string(). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define uvf_compat_assign_str(to, from) __assign_str(to)
#else
#define uvf_compat_assign_str(to, from) __assign_str(to, from)
#endif

/* 6.13: one call instead of two. */
static inline void uvf_compat_timer_setup(struct hrtimer *timer,
					  enum hrtimer_restart (*function)(struct hrtimer *))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	timer->function = function;
#endif
}

/* 6.15: newlink takes its parameters in a struct. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#define UVF_COMPAT_NEWLINK(name, inner)                                                            \
	static int name(struct net_device *dev, struct rtnl_newlink_params *params,                \
			struct netlink_ext_ack *extack)                                            \
	{                                                                                          \
		return inner(rtnl_newlink_link_net(params), dev, params->tb, params->data,         \
			     extack);                                                              \
	}
#else
#define UVF_COMPAT_NEWLINK(name, inner)                                                            \
	static int name(struct net *link_net, struct net_device *dev, struct nlattr *tb[],         \
			struct nlattr *data[], struct netlink_ext_ack *extack)                     \
	{                                                                                          \
		return inner(link_net, dev, tb, data, extack);                                     \
	}
#endif

/* Firmware's PCI segments have 16 bits; an emulated domain lies above them. */
#define UVF_COMPAT_DOMAIN_MIN 0x10000

/* 6.19: emulated domains are handed out by the PCI core. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
static inline int uvf_compat_domain_get(void)
{
	return pci_bus_find_emul_domain_nr(UVF_COMPAT_DOMAIN_MIN, UVF_COMPAT_DOMAIN_MIN, INT_MAX);
}

static inline void uvf_compat_domain_put(int domain)
{
	pci_bus_release_emul_domain_nr(domain);
}
#else
static inline int uvf_compat_domain_get(void)
{
	int domain = UVF_COMPAT_DOMAIN_MIN - 1;
	struct pci_bus *bus = NULL;

	while ((bus = pci_find_next_bus(bus)) != NULL)
		domain = max(domain, pci_domain_nr(bus));
	return domain + 1;
}

static inline void uvf_compat_domain_put(int domain)
{
}
#endif

/* 6.8: it adds one, always. */
static inline void uvf_compat_eventfd_signal(struct eventfd_ctx *eventfd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(eventfd);
#else
	eventfd_signal(eventfd, 1);
#endif
}

#endif /* UVF_COMPAT_H */
