using RobustTrain.Training.Checkpoints.SafeTensors;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>The tensors of a file that make_fixtures.py wrote.</summary>
internal sealed class TensorFixture : IDisposable
{
    private readonly SafeTensorsReader _reader;

    public TensorFixture(string name) =>
        _reader = SafeTensorsReader.Open(Path.Combine(AppContext.BaseDirectory, "Training", "fixtures", name + ".safetensors"));

    public IEnumerable<string> Names => _reader.Entries.Keys;

    public Tensor this[string name]
    {
        get
        {
            SafeTensorsEntry entry = _reader.Entries[name];
            Tensor values = zeros([.. entry.Shape], dtype: entry.Format.ScalarTypeOf());
            _reader.Read(name).CopyTo(values.bytes);
            return values;
        }
    }

    public double[] Doubles(string name)
    {
        byte[] data = _reader.Read(name);
        double[] values = new double[data.Length / sizeof(double)];
        Buffer.BlockCopy(data, 0, values, 0, data.Length);
        return values;
    }

    public void Dispose() => _reader.Dispose();
}
