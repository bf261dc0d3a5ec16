"""What is known of names and addresses without asking anybody: lists that come with a package, and say their date."""
