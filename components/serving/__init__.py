"""What answers requests: HTTP services (later model servers, stores, jobs) and the way in."""
