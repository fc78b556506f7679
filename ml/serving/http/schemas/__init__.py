"""What the routes take and give, by kind of request. Unknown fields are refused; what is absent stays null."""
