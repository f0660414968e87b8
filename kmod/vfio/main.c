// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf-vfio: the VFIO face of functions. The manual is uapi/linux/uvf_vfio.h.
 *
 * A module of its own, so that uvf.ko does not need vfio.ko, nor a kernel with VFIO.
 */
#include "../bridge.h"
#include "../netdev.h"
#include "face.h"

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/uvf.h>

struct workqueue_struct *uvf_vfio_workqueue;

/* --- which faces there are ---------------------------------------------------------------- */

/* Below RTNL; above nothing. */
static DEFINE_MUTEX(faces_lock);
static LIST_HEAD(faces);

struct uvf_face *uvf_face_get(const char *pci)
{
	struct uvf_face *face;

	mutex_lock(&faces_lock);
	list_for_each_entry(face, &faces, node)
		if (!strcmp(pci_name(face->pdev), pci)) {
			get_device(&face->vdev.device);
			mutex_unlock(&faces_lock);
			return face;
		}
	mutex_unlock(&faces_lock);
	return ERR_PTR(-ENODEV);
}

void uvf_face_put(struct uvf_face *face)
{
	vfio_put_device(&face->vdev);
}

/* --- the netdev comes and goes ------------------------------------------------------------ */

/* Whoever used the function, at either side, is not to meet its next owner. */
static void retire(struct work_struct *work)
{
	struct uvf_face *face = container_of(work, struct uvf_face, retire);

	mutex_lock(&face->lock);
	face->stale = face->opened;
	uvf_channel_detach(face);
	mutex_unlock(&face->lock);
	uvf_irqs_request(face);
}

static void netdev_changed(const struct device *parent, bool leaving)
{
	struct uvf_face *face;

	mutex_lock(&faces_lock);
	list_for_each_entry(face, &faces, node) {
		if (&face->pdev->dev != parent)
			continue;
		WRITE_ONCE(face->leaving, leaving);
		/* Not here: RTNL is held, and who has the face's locks may wait for memory. */
		if (leaving)
			queue_work(uvf_vfio_workqueue, &face->retire);
	}
	mutex_unlock(&faces_lock);
}

static int netdev_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct net_device *dev = netdev_notifier_info_to_dev(data);

	if (!dev->dev.parent)
		return NOTIFY_DONE;
	if (event == NETDEV_REGISTER)
		netdev_changed(dev->dev.parent, false);
	/* A move to another namespace is told as a going, too. */
	else if (event == NETDEV_UNREGISTER && dev->reg_state != NETREG_REGISTERED)
		netdev_changed(dev->dev.parent, true);
	return NOTIFY_DONE;
}

static struct notifier_block netdev_notifier = { .notifier_call = netdev_event };

/* --- the driver --------------------------------------------------------------------------- */

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct uvf_face *face;
	int err;

	if (uvf_bridge_index(pdev) < 0)
		return -ENODEV;
	face = vfio_alloc_device(uvf_face, vdev, &pdev->dev, &uvf_device_ops);
	if (IS_ERR(face))
		return PTR_ERR(face);
	face->pdev = pdev;
	INIT_WORK(&face->retire, retire);
	pci_set_drvdata(pdev, face);
	err = vfio_register_emulated_iommu_dev(&face->vdev);
	if (err) {
		uvf_face_put(face);
		return err;
	}
	mutex_lock(&faces_lock);
	list_add_tail(&face->node, &faces);
	mutex_unlock(&faces_lock);
	return 0;
}

static void remove(struct pci_dev *pdev)
{
	struct uvf_face *face = pci_get_drvdata(pdev);

	/* Nobody finds it any more, or opens it; who has it open is asked to go, and awaited. */
	mutex_lock(&faces_lock);
	list_del(&face->node);
	mutex_unlock(&faces_lock);
	mutex_lock(&face->lock);
	face->gone = true;
	mutex_unlock(&face->lock);
	vfio_unregister_group_dev(&face->vdev);
	cancel_work_sync(&face->retire);
	mutex_lock(&face->lock);
	uvf_channel_detach(face);
	mutex_unlock(&face->lock);
	uvf_face_put(face);
}

static const struct pci_device_id ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(UVF_PCI_VENDOR, UVF_PCI_DEVICE) },
	{}
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
	.name = UVF_VFIO_DRIVER,
	.id_table = ids,
	.probe = probe,
	.remove = remove,
	.driver_managed_dma = true,
};

/* --- the module --------------------------------------------------------------------------- */

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = UVF_VFIO_DRIVER,
	.fops = &uvf_channel_ops,
	.mode = 0600,
};

static int __init uvf_vfio_init(void)
{
	int err;

	uvf_vfio_workqueue = alloc_workqueue("uvf-vfio", WQ_UNBOUND, 0);
	if (!uvf_vfio_workqueue)
		return -ENOMEM;
	err = misc_register(&misc);
	if (err)
		goto err_workqueue;
	err = register_netdevice_notifier(&netdev_notifier);
	if (err)
		goto err_misc;
	err = pci_register_driver(&driver);
	if (err)
		goto err_notifier;
	return 0;

err_notifier:
	unregister_netdevice_notifier(&netdev_notifier);
err_misc:
	misc_deregister(&misc);
err_workqueue:
	destroy_workqueue(uvf_vfio_workqueue);
	return err;
}

static void __exit uvf_vfio_exit(void)
{
	pci_unregister_driver(&driver);
	unregister_netdevice_notifier(&netdev_notifier);
	misc_deregister(&misc);
	destroy_workqueue(uvf_vfio_workqueue);
}

module_init(uvf_vfio_init);
module_exit(uvf_vfio_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The VFIO face of virtual functions");
MODULE_VERSION(UVF_VERSION);
