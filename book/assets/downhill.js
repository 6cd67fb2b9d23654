/* Repairs that the theme's pages need. Written for this book; loads nothing. */
