int placeholder_testing;
