/* SPDX-License-Identifier: GPL-2.0-only */
/* A PCI function, and the pool of those that are ready for use. */
#ifndef UVF_FUNCTION_H
#define UVF_FUNCTION_H

#include "config.h"
#include "irq.h"

struct net_device;
struct netlink_ext_ack;
struct pci_dev;

struct uvf_function {
	struct uvf_irq irq;
	struct uvf_config config;
	struct page *bar;
	unsigned int index;
	struct pci_dev *pdev;	   /* under the pool's lock; NULL while removed by sysfs */
	bool used;		   /* under the pool's lock */
	struct net_device *netdev; /* under RTNL; the netdev while it is registered */
};

int uvf_function_init(void);
void uvf_function_exit(void);

/* The function at an index of the bridge, or NULL. Any context. */
struct uvf_function *uvf_function_at(unsigned int index);

/* The function with a PCI address, as lspci -D writes it, or NULL. */
struct uvf_function *uvf_function_named(const char *pci);

/*
 * Takes a spare function out of the pool, together with a reference to its PCI device in *pdev.
 * May wait for one up to a second. Under RTNL.
 */
struct uvf_function *uvf_function_claim(struct pci_dev **pdev, struct netlink_ext_ack *extack);

/* Gives both back. The netdev is out of sysfs by now. */
void uvf_function_release(struct uvf_function *function, struct pci_dev *pdev);

/* Its PCI device, held for the caller, or NULL; and whether it is in use. */
struct pci_dev *uvf_function_hold(struct uvf_function *function, bool *used);

/* A number that changes, and is not 0, when a function becomes another's or spare. */
unsigned int uvf_function_generation(void);
void uvf_function_touch(void);

/* Tells udev who uses the function. */
void uvf_function_announce(struct pci_dev *pdev, const char *netdev, const char *appliance);

#endif /* UVF_FUNCTION_H */
