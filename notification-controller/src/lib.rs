//! weir-notification-controller.
