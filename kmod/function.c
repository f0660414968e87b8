// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool of PCI functions.
 *
 * `ip link add` holds RTNL; adding a PCI device takes the PCI rescan lock; and removing one takes
 * first that lock, then RTNL. So a link is never given a new PCI function: a work item, which
 * holds the rescan lock and no RTNL, makes functions beforehand, and a link claims one of them.
 *
 * A function is never unmade before the module goes. Its states (Documentation/locking.rst):
 *
 *	absent	no PCI device: being made, or removed through sysfs
 *	spare	PCI device of class ff00, set in pool.spare
 *	used	PCI device of class 0200, belongs to a netdev
 */
#include "function.h"
#include "bridge.h"
#include "netdev.h"

#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/uvf.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#define SPARE_MIN 1
#define SPARE_MAX 256
#define CLAIM_TIMEOUT HZ

static unsigned int spare = 16;

static int spare_set(const char *text, const struct kernel_param *param)
{
	return param_set_uint_minmax(text, param, SPARE_MIN, SPARE_MAX);
}

static const struct kernel_param_ops spare_ops = {
	.set = spare_set,
	.get = param_get_uint,
};
module_param_cb(spare, &spare_ops, &spare, 0444);
MODULE_PARM_DESC(spare, "spare functions kept ready, 1 to 256 (16)");

static void refill(struct work_struct *work);

static struct {
	spinlock_t lock;
	/* Filled from the start, never emptied: the config accessors look here without a lock. */
	struct uvf_function *function[UVF_MAX_FUNCTIONS];
	/* Written under pci_lock_rescan_remove() */
	unsigned int nr;
	bool closing;

	DECLARE_BITMAP(spare, UVF_MAX_FUNCTIONS);
	wait_queue_head_t came;
	struct work_struct refill;
} pool = {
	.lock = __SPIN_LOCK_UNLOCKED(pool.lock),
	.came = __WAIT_QUEUE_HEAD_INITIALIZER(pool.came),
	.refill = __WORK_INITIALIZER(pool.refill, refill),
};

struct uvf_function *uvf_function_at(unsigned int index)
{
	/* Pairs with the release in make(): the image is complete. */
	return index < UVF_MAX_FUNCTIONS ? smp_load_acquire(&pool.function[index]) : NULL;
}

/* --- looking on --------------------------------------------------------------------------- */

static atomic_t generation;

unsigned int uvf_function_generation(void)
{
	return (u32)atomic_read(&generation) ?: 1;
}

void uvf_function_touch(void)
{
	atomic_inc(&generation);
}

struct pci_dev *uvf_function_hold(struct uvf_function *function, bool *used)
{
	struct pci_dev *pdev;

	spin_lock(&pool.lock);
	pdev = pci_dev_get(function->pdev);
	*used = function->used;
	spin_unlock(&pool.lock);
	return pdev;
}

static bool has_name(struct uvf_function *function, const char *name)
{
	bool used, equal;
	struct pci_dev *pdev = uvf_function_hold(function, &used);

	equal = pdev && !strcmp(pci_name(pdev), name);
	pci_dev_put(pdev);
	return equal;
}

struct uvf_function *uvf_function_named(const char *pci)
{
	struct uvf_function *function = NULL;
	unsigned int domain, bus, slot, func;

	/* That it is of our domain, and written in the proper way, shows when it is found. */
	if (sscanf(pci, "%x:%2x:%2x.%1x", &domain, &bus, &slot, &func) == 4)
		function = uvf_function_at(bus * UVF_FUNCTIONS_PER_BUS + PCI_DEVFN(slot, func));
	return function && has_name(function, pci) ? function : NULL;
}

static void set_class(struct uvf_function *function, struct pci_dev *pdev, u32 class)
{
	uvf_config_set_class(&function->config, class);
	pdev->class = class;
}

/* --- making ------------------------------------------------------------------------------- */

static int make(unsigned int index)
{
	struct uvf_function *function;

	function = kzalloc(sizeof(*function), GFP_KERNEL);
	if (!function)
		return -ENOMEM;
	function->bar = uvf_bridge_alloc_bar();
	if (!function->bar) {
		kfree(function);
		return -ENOMEM;
	}
	function->index = index;
	mutex_init(&function->irq.mutex);
	uvf_config_init(&function->config, page_to_phys(function->bar));
	/* Pairs with the acquire in uvf_function_at(). */
	smp_store_release(&pool.function[index], function);
	WRITE_ONCE(pool.nr, index + 1);
	return uvf_bridge_scan(index);
}

/* A function whose PCI device is complete, made by us or come back by a rescan, is spare. */
static unsigned int collect(void)
{
	unsigned int i, nr;

	spin_lock(&pool.lock);
	for (i = 0; i < pool.nr; i++) {
		struct uvf_function *function = pool.function[i];

		if (!function->pdev || function->used || __test_and_set_bit(i, pool.spare))
			continue;
		/* A rescan may have come before the former netdev's end. */
		set_class(function, function->pdev, UVF_PCI_CLASS_SPARE);
		uvf_function_touch();
	}
	nr = bitmap_weight(pool.spare, UVF_MAX_FUNCTIONS);
	spin_unlock(&pool.lock);
	wake_up_all(&pool.came);
	return nr;
}

static void refill(struct work_struct *work)
{
	pci_lock_rescan_remove();
	while (!pool.closing && collect() < spare && pool.nr < UVF_MAX_FUNCTIONS)
		if (make(pool.nr))
			break;
	pci_unlock_rescan_remove();
}

/* --- taking and giving back --------------------------------------------------------------- */

static struct uvf_function *take(struct pci_dev **pdev)
{
	struct uvf_function *function = NULL;
	unsigned int index;

	spin_lock(&pool.lock);
	index = find_first_bit(pool.spare, UVF_MAX_FUNCTIONS);
	if (index < UVF_MAX_FUNCTIONS) {
		function = pool.function[index];
		__clear_bit(index, pool.spare);
		function->used = true;
		*pdev = pci_dev_get(function->pdev);
		uvf_function_touch();
	}
	spin_unlock(&pool.lock);
	return function;
}

struct uvf_function *uvf_function_claim(struct pci_dev **pdev, struct netlink_ext_ack *extack)
{
	struct uvf_function *function;

	ASSERT_RTNL();
	function = take(pdev);
	schedule_work(&pool.refill);
	if (!function && READ_ONCE(pool.nr) < UVF_MAX_FUNCTIONS)
		/*
		 * Accepted race: who holds the rescan lock may be waiting for our RTNL, so that
		 * refill() cannot run. The time-out ends that.
		 */
		wait_event_timeout(pool.came, (function = take(pdev)), CLAIM_TIMEOUT);
	if (function) {
		set_class(function, *pdev, UVF_PCI_CLASS_USED);
		return function;
	}
	if (READ_ONCE(pool.nr) == UVF_MAX_FUNCTIONS) {
		NL_SET_ERR_MSG_MOD(extack, "all functions are in use, and there can be no more; delete one first");
		return ERR_PTR(-ENOSPC);
	}
	NL_SET_ERR_MSG_MOD(extack, "no spare function is ready; try again, or load the module with a larger `spare`");
	return ERR_PTR(-EAGAIN);
}

void uvf_function_release(struct uvf_function *function, struct pci_dev *pdev)
{
	bool present;

	set_class(function, pdev, UVF_PCI_CLASS_SPARE);
	spin_lock(&pool.lock);
	function->used = false;
	uvf_function_touch();
	/* Not so after `remove`; after `remove` and `rescan` it is another device. */
	present = function->pdev == pdev;
	if (present)
		__set_bit(function->index, pool.spare);
	spin_unlock(&pool.lock);
	if (present)
		uvf_function_announce(pdev, "", "");
	else
		schedule_work(&pool.refill);
	wake_up_all(&pool.came);
	pci_dev_put(pdev);
}

void uvf_function_announce(struct pci_dev *pdev, const char *netdev, const char *appliance)
{
	char function_env[sizeof("UVF_FUNCTION=") + IFNAMSIZ];
	char appliance_env[sizeof("UVF_APPLIANCE=") + UVF_APPLIANCE_SIZE];
	char *env[] = { function_env, appliance_env, NULL };

	snprintf(function_env, sizeof(function_env), "UVF_FUNCTION=%s", netdev);
	snprintf(appliance_env, sizeof(appliance_env), "UVF_APPLIANCE=%s", appliance);
	kobject_uevent_env(&pdev->dev.kobj, KOBJ_CHANGE, env);
}

/* --- the PCI core's side ------------------------------------------------------------------ */

static void appeared(struct uvf_function *function, struct pci_dev *pdev)
{
	/* Who rescans would find memory in its place, and clear it. Without, there is still MSI. */
	if (pci_claim_resource(pdev, 0))
		pci_warn(pdev, "BAR 0 can't be claimed: there will be no MSI-X\n");
	spin_lock(&pool.lock);
	function->pdev = pdev;
	spin_unlock(&pool.lock);
	/* It becomes spare when who adds it has let go of the rescan lock. */
	schedule_work(&pool.refill);
}

/* Lock order: the rescan lock, which our caller holds, then RTNL. */
static void disappears(struct uvf_function *function)
{
	rtnl_lock();
	spin_lock(&pool.lock);
	function->pdev = NULL;
	uvf_function_touch();
	__clear_bit(function->index, pool.spare);
	spin_unlock(&pool.lock);
	if (function->netdev)
		uvf_netdev_remove(function->netdev);
	/* Also waits for a netdev that is just going to be out of sysfs, below our device. */
	rtnl_unlock();
}

static int bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);
	int index = uvf_bridge_index(pdev);

	if (index < 0)
		return NOTIFY_DONE;
	if (event == BUS_NOTIFY_ADD_DEVICE)
		appeared(uvf_function_at(index), pdev);
	else if (event == BUS_NOTIFY_DEL_DEVICE)
		disappears(uvf_function_at(index));
	else if (event == BUS_NOTIFY_REMOVED_DEVICE)
		uvf_config_reset(&uvf_function_at(index)->config);
	return NOTIFY_OK;
}

static struct notifier_block bus_notifier = { .notifier_call = bus_event };

/*
 * The driver brings interrupts; all else that the function does hangs on the netdev. No RTNL here:
 * the rescan lock may be held, and who holds RTNL may be waiting for a function.
 */
static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int err, index = uvf_bridge_index(pdev);

	if (index < 0)
		return -ENODEV;
	err = pci_enable_device(pdev);
	if (err)
		return err;
	pci_set_master(pdev);
	uvf_irq_bind(uvf_function_at(index), pdev);
	return 0;
}

static void remove(struct pci_dev *pdev)
{
	uvf_irq_unbind(uvf_function_at(uvf_bridge_index(pdev)));
	pci_disable_device(pdev);
}

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE_SUB(UVF_PCI_VENDOR, UVF_PCI_DEVICE, UVF_PCI_VENDOR, UVF_PCI_DEVICE) },
	{}
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
	.name = "uvf",
	.id_table = ids,
	.probe = probe,
	.remove = remove,
};

int uvf_function_init(void)
{
	int err;

	err = pci_register_driver(&driver);
	if (err)
		return err;
	err = bus_register_notifier(&pci_bus_type, &bus_notifier);
	if (err)
		goto err_driver;
	refill(&pool.refill);
	if (bitmap_empty(pool.spare, UVF_MAX_FUNCTIONS)) {
		err = -ENOMEM;
		goto err_pool;
	}
	return 0;

err_pool:
	uvf_function_exit();
	return err;
err_driver:
	pci_unregister_driver(&driver);
	return err;
}

/* No netdev is left. A rescan through sysfs may schedule the work until the notifier is gone. */
void uvf_function_exit(void)
{
	unsigned int i;

	pci_lock_rescan_remove();
	pool.closing = true;
	pci_unlock_rescan_remove();
	uvf_bridge_clear();
	bus_unregister_notifier(&pci_bus_type, &bus_notifier);
	cancel_work_sync(&pool.refill);
	pci_unregister_driver(&driver);
	for (i = 0; i < pool.nr; i++) {
		uvf_bridge_free_bar(pool.function[i]->bar);
		kfree(pool.function[i]);
	}
}
