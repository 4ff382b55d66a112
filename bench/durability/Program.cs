using System.Diagnostics;
using System.Globalization;
using RobustTrain.Bench.Durability;
using RobustTrain.Configuration;
using RobustTrain.Training.Configuration;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is not [string part, string host])
{
    Console.Error.WriteLine("durability: expected cost-demo, cost-100mb, cost-100mb-sgd, resume, memory-thread or memory-process, and the path of robusttrain.");
    return 2;
}

// The samples are named from the repository's root.
Environment.CurrentDirectory = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../.."));
string[] once = ["trainer.epochs=1", "trainer.log_interval_seconds=0", "checkpoint.every_seconds=null", "data.path=none", "loader.num_workers=1"];
switch (part)
{
    case "cost-demo":
        new CheckpointCost("the demo's network", ConfigurationReader.Read<TrainingConfig>("samples/demo.yaml", once), side: 112, apart: 4, count: 36).Run();
        return 0;
    case "cost-100mb" or "cost-100mb-sgd":
        // FC-Siam-diff that is 100 MB wide, which AdamW makes 300 MB to save, and SGD with momentum 200 MB.
        string[] sgd = part == "cost-100mb" ? [] : ["optimizer.name=sgd", "optimizer.momentum=0.9"];
        string[] wide = [.. once, "model.base_channels=69", "loader.batch_size=4", .. sgd];
        new CheckpointCost("a model of 100 MB", ConfigurationReader.Read<TrainingConfig>("samples/demo.yaml", wide), side: 48, apart: 4, count: 36).Run();
        return 0;
    case "resume":
        using (var folder = new TemporaryFolder())
            new ResumeTime(host, SampleData(folder)).Run();
        return 0;
    case "memory-thread" or "memory-process":
        using (var folder = new TemporaryFolder())
        {
            // All but one of the scenes validate, so that an epoch is short; the network and its crops are small, so that steps are.
            string[] settings =
            [
                $"data.path={SampleData(folder)}", "data.crop_size=64", "model.base_channels=8", "loader.batch_size=4", $"loader.worker_kind={part["memory-".Length..]}", "loader.num_workers=2", "trainer.epochs=14",
                "trainer.log_interval_seconds=0", "trainer.validate_every=5", "checkpoint.every_steps=25",
                "data.validation_scenes=[Szada/2, Szada/3, Szada/4, Szada/5, Szada/6, Szada/7, Tiszadob/1, Tiszadob/2, Tiszadob/4, Tiszadob/5]",
            ];
            new MemoryGrowth(ConfigurationReader.Read<TrainingConfig>("samples/demo.yaml", settings), every: 2).Run();
        }

        return 0;
    default:
        Console.Error.WriteLine($"durability: expected cost-demo, cost-100mb, cost-100mb-sgd, resume, memory-thread or memory-process, found '{part}'.");
        return 2;
}

string SampleData(TemporaryFolder folder)
{
    using Process make = Process.Start(new ProcessStartInfo(host, ["sample-data", folder.At("data")]) { RedirectStandardOutput = true })!;
    make.StandardOutput.ReadToEnd();
    make.WaitForExit();
    return folder.At("data");
}
