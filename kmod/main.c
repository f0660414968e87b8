// SPDX-License-Identifier: GPL-2.0-only
/* uvf: virtual functions for any network card. The manual is uapi/linux/uvf.h. */
#include "bridge.h"
#include "function.h"
#include "irq.h"
#include "netdev.h"
#include "netlink.h"
#include "route.h"
#include "uplink.h"

#include <linux/module.h>
#include <linux/uvf.h>
#include <net/genetlink.h>
#include <net/rtnetlink.h>

static int __init uvf_init(void)
{
	int err;

	err = uvf_irq_init();
	if (err)
		return err;
	err = uvf_bridge_init();
	if (err)
		goto err_irq;
	err = uvf_function_init();
	if (err)
		goto err_bridge;
	err = uvf_uplink_init();
	if (err)
		goto err_function;
	err = uvf_route_init();
	if (err)
		goto err_uplink;
	err = uvf_netlink_init();
	if (err)
		goto err_route;
	err = rtnl_link_register(&uvf_link_ops);
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	uvf_netlink_exit();
err_route:
	uvf_route_exit();
err_uplink:
	uvf_uplink_exit();
err_function:
	uvf_function_exit();
err_bridge:
	uvf_bridge_exit();
err_irq:
	uvf_irq_exit();
	return err;
}

static void __exit uvf_exit(void)
{
	/* Unregisters all functions' netdevs, and waits for their destructors. */
	rtnl_link_unregister(&uvf_link_ops);
	uvf_netlink_exit();
	uvf_route_exit();
	uvf_uplink_exit();
	uvf_function_exit();
	uvf_bridge_exit();
	uvf_irq_exit();
	/* The uplinks' memory is freed by RCU. */
	rcu_barrier();
}

module_init(uvf_init);
module_exit(uvf_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Virtual functions for any network card");
MODULE_VERSION(UVF_VERSION);
MODULE_ALIAS_RTNL_LINK(UVF_KIND);
MODULE_ALIAS_GENL_FAMILY(UVF_FAMILY_NAME);
