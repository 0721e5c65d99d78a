int swiftpod_placeholder(void);
