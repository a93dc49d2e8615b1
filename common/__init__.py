"""The ground floor: what every app needs and none owns. It imports none of them."""
