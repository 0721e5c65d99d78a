enum ImageStorePlaceholder {}
