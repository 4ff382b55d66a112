using System.Globalization;
using System.Text;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Tests.Monitoring;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.ChangeDetection.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class ModelExporterTests : IDisposable
{
    private readonly SmallTraining _training = new();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _training.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("fc-siam-diff", "training", 17)]
    [InlineData("fc-siam-conc", "training", 13)]
    [InlineData("fc-siam-conc", "image", 21)]
    [InlineData("hanet", "training", 17)]
    [InlineData("hanet", "image", 13)]
    [InlineData("hanet", "training", 21)]
    public void Onnx_Runtime_computes_of_each_network_what_the_network_computes_at_any_size(string name, string statistics, int opset)
    {
        using ChangeDetectionModel model = Model(name, statistics);
        OnnxGraph graph = new(model);
        string logits = model.Describe(graph, graph.Input("image1", "n", "3", "h", "w"), graph.Input("image2", "n", "3", "h", "w"));
        graph.Output("logits", logits, "n", "2", "h", "w");
        byte[] file = graph.ToBytes(name, opset, new Dictionary<string, string>());

        using OnnxCheck check = new(file, threads: 2);
        foreach ((int batch, int height, int width) in ((int, int, int)[])(name == "hanet" ? [(1, 64, 96), (2, 56, 40)] : [(1, 64, 96), (2, 53, 37), (1, 16, 16)]))
        {
            using IDisposable noGrad = no_grad();
            using Tensor image1 = rand(batch, 3, height, width);
            using Tensor image2 = rand(batch, 3, height, width);
            using Tensor expected = model.call(image1, image2);
            Assert.InRange(check.LargestDifference(new Dictionary<string, Tensor> { ["image1"] = image1, ["image2"] = image2 }, expected), 0, 1e-4);
        }

        string text = Encoding.Latin1.GetString(file);
        Assert.All(model.named_parameters(), named => Assert.Contains(named.name, text, StringComparison.Ordinal));
    }

    [Fact]
    public void A_layer_without_a_counterpart_in_ONNX_is_named()
    {
        using nn.Module dropout = nn.Dropout();

        RunException refused = Assert.Throws<RunException>(() => new OnnxGraph(dropout).Layer(dropout, "x"));

        Assert.Equal(("OnnxLayerUnknown", ExitCode.Configuration), (refused.ErrorId, refused.ExitCode));
        Assert.Contains("Dropout", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_becomes_a_file_of_ONNX_that_was_checked()
    {
        _training.Run();

        ModelExported exported = Export(ExportFormat.Onnx, "a.onnx");

        Assert.InRange(exported.LargestDifference!.Value, 0, 1e-4);
        Assert.Equal(["batch", "3", "height", "width"], exported.InputShape);
        Assert.Equal((17, new FileInfo(exported.Path).Length, "onnx"), (exported.Opset, exported.Bytes, exported.Format));
        Assert.Equal([exported.Path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Sides_that_are_given_are_fixed()
    {
        _training.Run();

        ModelExported exported = ModelExporter.Open(
            _training.Config, _training.RunPath, CheckpointChoice.Best,
            new ExportOptions { Path = _folder.At("a.onnx"), Format = ExportFormat.Onnx, Batch = 2, Height = 40, Width = 17 }, _ => { }).Run();

        Assert.Equal(["2", "3", "40", "17"], exported.InputShape);
        using OnnxCheck check = new(File.ReadAllBytes(exported.Path), threads: 1);
        using Tensor other = zeros(1, 3, 40, 17);
        RunException refused = Assert.Throws<RunException>(() => check.LargestDifference(new Dictionary<string, Tensor> { ["image1"] = other, ["image2"] = other }, other));
        Assert.Equal("OnnxNotEqual", refused.ErrorId);
    }

    [Fact]
    public void Safetensors_hold_the_weights_that_are_evaluated_under_the_network_s_own_names()
    {
        _training.Config = _training.Config with { Trainer = _training.Config.Trainer with { EmaDecay = 0.9 } };
        _training.Run();

        ModelExported exported = Export(ExportFormat.SafeTensors, "deeper/a.safetensors");

        using SafeTensorsReader file = SafeTensorsReader.Open(exported.Path);
        string checkpoint = exported.Checkpoint;
        using SafeTensorsReader weights = SafeTensorsReader.Open(Path.Combine(checkpoint, Checkpoint.WeightsFile));
        using SafeTensorsReader average = SafeTensorsReader.Open(Path.Combine(checkpoint, Checkpoint.AverageFile));
        Assert.Equal(weights.Entries.Keys.Order(), file.Entries.Keys.Order());
        Assert.All(file.Entries.Keys, name => Assert.Equal((average.Entries.ContainsKey(name) ? average : weights).Read(name), file.Read(name)));
        Assert.Equal(("fc-siam-diff", "2", "0.485,0.456,0.406"), (file.Metadata["model"], file.Metadata["base_channels"], file.Metadata["mean"]));
        Assert.Null(exported.LargestDifference);
    }

    [PythonTorchTheory]
    [InlineData("fc-siam-diff")]
    [InlineData("fc-siam-conc")]
    [InlineData("hanet")]
    public void The_documentation_s_lines_of_Python_load_it_into_the_same_network(string name)
    {
        _training.Config = _training.Config with { Model = _training.Config.Model with { Name = name, BaseChannels = 2 } };
        _training.Run();
        ModelExported exported = Export(ExportFormat.SafeTensors, "night.safetensors");
        using ChangeDetectionModel model = ModelCatalog.Networks.Create(_training.Config.Model, seed: 0);
        Load(model, exported.Path);
        model.eval();
        using IDisposable noGrad = no_grad();
        Tensor image1 = rand(1, 3, 32, 48);
        Tensor image2 = rand(1, 3, 32, 48);
        Save("expected.safetensors", ("image1", image1), ("image2", image2), ("logits", model.call(image1, image2)));

        string answer = PythonTorchTheoryAttribute.Ask("load_exported.py", Path.Combine(TestFiles.Root, "docs", "export.md"), name, "2", _folder.Path);

        Assert.InRange(double.Parse(answer, CultureInfo.InvariantCulture), 0, 1e-4);
    }

    [Theory]
    [InlineData("OutputExists", "is there already; --force overwrites it.")]
    [InlineData("ExportOptionInvalid", "--opset is 12, but must be from 13 to 21.")]
    [InlineData("ExportOptionInvalid", "--width is given, but safetensors holds weights only")]
    [InlineData("OutputPathIsFolder", "is a folder; a file is expected.")]
    public void What_can_t_be_written_is_refused_in_one_sentence(string id, string sentence)
    {
        File.WriteAllText(_folder.At("there.onnx"), "precious");
        ExportOptions options = new() { Path = _folder.At("new.onnx"), Format = ExportFormat.Onnx };
        options = sentence switch
        {
            _ when id == "OutputExists" => options with { Path = _folder.At("there.onnx") },
            _ when id == "OutputPathIsFolder" => options with { Path = _folder.Path },
            _ when sentence.StartsWith("--opset", StringComparison.Ordinal) => options with { Opset = 12 },
            _ => options with { Format = ExportFormat.SafeTensors, Width = 3 },
        };

        RunException refused = Assert.Throws<RunException>(() => ModelExporter.Open(_training.Config, _training.RunPath, CheckpointChoice.Best, options, _ => { }));

        Assert.Equal((id, ExitCode.Configuration), (refused.ErrorId, refused.ExitCode));
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.Equal(["there.onnx"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    // Attention takes part only where gamma, which starts at 0, is something else.
    private static ChangeDetectionModel Model(string name, string statistics)
    {
        ChangeDetectionModel model = ModelCatalog.Networks.Create(new ModelConfig { Name = name, BaseChannels = 2, EvaluationStatistics = statistics }, seed: 3);
        using IDisposable noGrad = no_grad();
        foreach ((string parameterName, Parameter parameter) in model.named_parameters())
        {
            if (parameterName.EndsWith("gamma", StringComparison.Ordinal))
                parameter.fill_(0.25);
        }

        model.eval();
        return model;
    }

    private ModelExported Export(ExportFormat format, string file) =>
        ModelExporter.Open(_training.Config, _training.RunPath, CheckpointChoice.Best, new ExportOptions { Path = _folder.At(file), Format = format }, _ => { }).Run();

    private static void Load(nn.Module model, string path)
    {
        using SafeTensorsReader file = SafeTensorsReader.Open(path);
        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor target) in model.state_dict())
        {
            Tensor host = zeros(target.shape, dtype: target.dtype);
            file.Read(name).CopyTo(host.bytes);
            target.copy_(host);
        }
    }

    private void Save(string name, params (string Name, Tensor Values)[] tensors)
    {
        using FileStream file = File.Create(_folder.At(name));
        SafeTensorsWriter.Write(file, [.. tensors.Select(tensor => new HostTensor(tensor.Name, ElementFormat.F32, tensor.Values.shape, tensor.Values.contiguous().bytes.ToArray()))]);
    }
}
