using System.Buffers.Binary;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Training.Checkpoints.SafeTensors;

namespace RobustTrain.Tests.Training;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string> BrokenHeaders => new()
    {
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "needs 8 bytes, but 4 are given" },
        { """{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}""", "unknown type 'F31'" },
        { """{"a":{"dtype":"6","shape":[1],"data_offsets":[0,4]}}""", "unknown type '6'" },
        { """{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", "impossible shape or place" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", "impossible shape or place" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "leaves a gap" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "overlaps" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "stands in its header twice" },
        { """{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", "needs" },
        { """{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}""", "its tensors end at byte" },
        { """{"a":{"dtype":"F32","shape":"none","data_offsets":[0,4]}}""", "its header can't be read" },
        { """{"a":{"dtype":"F32","shape":[1]}}""", "its header can't be read" },
        { """{"a":""", "its header can't be read" },
        { """[1]""", "not a JSON object" },
    };

    [Property]
    public void What_is_written_is_read_back(NonEmptyString[] names, byte[][] contents)
    {
        HostTensor[] tensors =
        [
            .. names.Select(name => name.Get).Distinct().Where(name => name != "__metadata__" && IsText(name)).Zip(contents.Where(content => content is not null))
                .Select((pair, index) => index % 2 == 0
                    ? new HostTensor(pair.First, ElementFormat.U8, [pair.Second.Length], pair.Second)
                    : new HostTensor(pair.First, ElementFormat.F32, [2, pair.Second.Length], Enumerable.Repeat(pair.Second, 8).SelectMany(bytes => bytes).ToArray())),
        ];
        string path = Write(tensors);

        using SafeTensorsReader file = SafeTensorsReader.Open(path);
        Assert.Equal(tensors.Select(tensor => tensor.Name).Order(), file.Entries.Keys.Order());
        foreach (HostTensor tensor in tensors)
        {
            SafeTensorsEntry entry = file.Entries[tensor.Name];
            Assert.Equal((tensor.Format, (IEnumerable<long>)tensor.Shape), (entry.Format, entry.Shape), new EntryComparer());
            Assert.Equal(tensor.Data.ToArray(), file.Read(tensor.Name));
            Assert.Equal(0, entry.Offset % entry.Format.SizeOf());
        }
    }

    [Fact]
    public void Metadata_is_read_back()
    {
        string path = _folder.At("file");
        using (FileStream stream = File.Create(path))
            SafeTensorsWriter.Write(stream, [], new Dictionary<string, string> { ["format"] = "pt" });

        using SafeTensorsReader file = SafeTensorsReader.Open(path);
        Assert.Equal("pt", file.Metadata["format"]);
    }

    [Theory]
    [MemberData(nameof(BrokenHeaders))]
    public void A_header_that_breaks_the_format_is_refused(string header, string problem)
    {
        string path = WriteRaw((ulong)header.Length, header, new byte[4]);

        SafeTensorsException refused = Assert.Throws<SafeTensorsException>(() => SafeTensorsReader.Open(path));
        Assert.Contains(problem, refused.Message);
        Assert.Contains(path, refused.Message);
    }

    [Theory]
    [InlineData(200_000_000UL, "more than the allowed")]
    [InlineData(1_000UL, "but only")]
    [InlineData(ulong.MaxValue, "more than the allowed")]
    public void A_header_longer_than_its_file_is_refused(ulong length, string problem)
    {
        string path = WriteRaw(length, "{}", []);

        Assert.Contains(problem, Assert.Throws<SafeTensorsException>(() => SafeTensorsReader.Open(path)).Message);
    }

    [Fact]
    public void A_file_without_room_for_a_header_is_refused()
    {
        string path = _folder.At("file");
        File.WriteAllBytes(path, [1, 2, 3]);

        Assert.Contains("3 bytes", Assert.Throws<SafeTensorsException>(() => SafeTensorsReader.Open(path)).Message);
    }

    [Fact]
    public void Two_tensors_of_one_name_are_not_written() =>
        Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(
            Stream.Null, [new HostTensor("a", ElementFormat.U8, [], new byte[1]), new HostTensor("a", ElementFormat.U8, [], new byte[1])]));

    [Fact]
    public void A_tensor_whose_bytes_do_not_fit_its_shape_is_not_written() =>
        Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(Stream.Null, [new HostTensor("a", ElementFormat.F32, [3], new byte[11])]));

    public void Dispose() => _folder.Dispose();

    // A lone surrogate is no text: it can't be written in UTF-8.
    private static bool IsText(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text;

    private string Write(IReadOnlyCollection<HostTensor> tensors)
    {
        string path = _folder.At(Guid.NewGuid().ToString());
        using FileStream stream = File.Create(path);
        SafeTensorsWriter.Write(stream, tensors);
        return path;
    }

    private string WriteRaw(ulong length, string header, byte[] data)
    {
        byte[] prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, length);
        string path = _folder.At("file");
        File.WriteAllBytes(path, [.. prefix, .. Encoding.UTF8.GetBytes(header), .. data]);
        return path;
    }

    private sealed class EntryComparer : IEqualityComparer<(ElementFormat Format, IEnumerable<long> Shape)>
    {
        public bool Equals((ElementFormat Format, IEnumerable<long> Shape) x, (ElementFormat Format, IEnumerable<long> Shape) y) =>
            x.Format == y.Format && x.Shape.SequenceEqual(y.Shape);

        public int GetHashCode((ElementFormat Format, IEnumerable<long> Shape) entry) => entry.Format.GetHashCode();
    }
}
