import CShims
import LinuxKernel

/// Ids and made-up names of containers.
package enum ContainerID {
    /// 64 hexadecimal digits by chance.
    package static func make() -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        bytes.withUnsafeMutableBytes { swiftpod_random($0.baseAddress!, $0.count) }
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    package static func isWhole(_ text: String) -> Bool { text.utf8.count == 64 && isBeginning(text) }

    /// Whether it could be the beginning of one.
    package static func isBeginning(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// An adjective and the name of somebody who is remembered for something, as podman and Docker do.
    package static func makeName() -> String {
        var random: (UInt32, UInt32) = (0, 0)
        withUnsafeMutableBytes(of: &random) { swiftpod_random($0.baseAddress!, $0.count) }
        return "\(word(random.0, of: adjectives))_\(word(random.1, of: people))"
    }

    private static let adjectives: StaticString =
        """
        able agile amber ample apt ardent artful bold brave bright brisk calm candid careful chipper civil clear clever \
        cordial cosy crisp curious dapper daring deft diligent eager earnest elated exact fair famous fancy fearless \
        fine fleet fond frank gallant gentle glad golden graceful grand great happy hardy hearty honest hopeful humble \
        ideal jolly jovial joyful keen kind lively logical loyal lucid lucky mellow merry mighty mild modest neat nimble \
        noble patient placid plucky polite proud prudent quick quiet ready robust rosy serene sharp sincere smart sober \
        sound spry stoic strong sturdy subtle sunny sure sweet swift tender tidy trusty upbeat vivid warm wise witty \
        worthy zealous
        """

    private static let people: StaticString =
        """
        abel agnesi archimedes aryabhata avicenna babbage banach bardeen bartik bell berners blackwell bohr boole bose \
        brahmagupta brattain brown burnell cannon cantor carson cartwright cauchy cerf chandrasekhar chebyshev clarke \
        colden cori cray curie darwin davinci diffie dijkstra dirac driscoll easley edison einstein elion engelbart \
        erdos euclid euler faraday fermat fermi feynman franklin galileo galois gates gauss germain goldberg goldwasser \
        goodall hamilton haslett hawking heisenberg hellman hermann herschel hertz hilbert hodgkin hopper hypatia \
        jackson jang jennings jepsen johnson joliot kalam kare keller kepler khayyam khorana kilby kirch knuth \
        kowalevski lalande lamarr lamport leakey leavitt lederberg lehmann lewin lovelace lumiere mahavira mayer \
        mccarthy mcclintock mclean mcnulty meitner mendel mendeleev merkle mestorf mirzakhani morse moser murdock \
        nash neumann newton nightingale nobel noether northcutt noyce panini pare pascal pasteur payne perlman pike \
        poincare poitras proskuriakova ptolemy raman ramanujan ride ritchie robinson roentgen rosalind rubin saha \
        sammet shannon shaw shirley shockley sinoussi snyder spence stallman swanson swartz swirles tesla tharp \
        thompson torvalds turing varahamihira villani visvesvaraya volhard wescoff wilbur wiles williams wilson wing \
        wozniak wright yalow yonath
        """

    /// The word at a place of the text that the number names, by bytes: longer words come a little more often. Splitting
    /// the lists would take a sixth of all that a start computes.
    private static func word(_ number: UInt32, of text: StaticString) -> String {
        let bytes = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        let space = UInt8(ascii: " ")
        var start = Int(number) % bytes.count
        while start > 0, bytes[start - 1] != space { start -= 1 }
        if bytes[start] == space { start += 1 }
        var end = start
        while end < bytes.count, bytes[end] != space { end += 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }
}
