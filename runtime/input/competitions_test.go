package input_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// names splits the names of classes.
func names(text string) []string { return strings.Split(text, ",") }

var (
	single   = input.SampleRules{Task: task.Multilabel, Classes: 1, Metric: "roc-auc"}
	softmax  = func(classes int) input.SampleRules { return input.SampleRules{Task: task.Multiclass, Classes: classes} }
	sigmoids = func(classes int) input.SampleRules { return input.SampleRules{Task: task.Multilabel, Classes: classes} }
	grades   = func(classes int) input.SampleRules { return input.SampleRules{Task: task.Ordinal, Classes: classes} }
	targets  = func(n int) input.SampleRules {
		return input.SampleRules{Task: task.Regression, Classes: n, Metric: "rmse"}
	}
	named = func(r input.SampleRules, list string) input.SampleRules {
		r.Names = names(list)
		r.Classes = len(r.Names)
		return r
	}
)

// The samples are the headers and first rows of Kaggle's competitions.
func TestFormsOfKnownCompetitions(t *testing.T) {
	for _, c := range []struct {
		name, text string
		rules      input.SampleRules
		want       string
	}{
		{
			"iMet 2019", "id,attribute_ids\n10023b2cc4ed5f68,0 1 2\n100fbe75ed8fd887,0 1 2\n", sigmoids(1103),
			`a row for each image, with all its classes, as class numbers from 0 separated by " " in the column "attribute_ids"`,
		},
		{
			"BirdCLEF 2021", "row_id,birds\n2782_SSW_5,nocall\n2782_SSW_10,nocall\n", named(sigmoids(0), "acafly,acowoo,aldfly"),
			`a row for each image, with all its classes, as class names such as "acafly" separated by " " ("nocall" for none) in the column "birds"`,
		},
		{
			"BirdCLEF 2022", "row_id,target\nsoundscape_1000170626_akiapo_5,False\nsoundscape_1000170626_akiapo_10,False\nsoundscape_1000170626_aniani_5,False\nsoundscape_1000170626_aniani_10,False\n",
			named(sigmoids(0), "akiapo,aniani"),
			`a row for each image and class, joined by "_" in the column "row_id", with False or True for each class in the column "target"`,
		},
		{
			"BirdCLEF 2023", "row_id,abethr1,abhori1,abythr1\nsoundscape_29201_5,0.003787878787878788,0.003787878787878788,0.003787878787878788\n",
			named(sigmoids(0), "abethr1,abhori1,abythr1"),
			`a row for each image, with the prediction of each class in a column of its own: "abethr1" is class 0, "abhori1" is class 1, "abythr1" is class 2`,
		},
		{
			"BirdCLEF 2025", "row_id,1139490,1192948,yeofly1,yercac1\nsoundscape_8358733_5,0.0048543689320388345,0.0048543689320388345,0.0048543689320388345,0.0048543689320388345\n",
			named(sigmoids(0), "yercac1,yeofly1,1192948,1139490"),
			`a row for each image, with the prediction of each class in a column of its own: "1139490" is class 3, "1192948" is class 2, "yeofly1" is class 1, …`,
		},
		{
			"ISIC 2024", "isic_id,target\nISIC_0015657,0.3\nISIC_0015729,0.3\nISIC_0015740,0.3\n", single,
			`a row for each image, with the prediction of class 0 in the column "target"`,
		},
		{
			"ISIC 2024, softmax", "isic_id,target\nISIC_0015657,0.3\nISIC_0015729,0.3\n", softmax(2),
			`a row for each image, with the prediction of class 1 in the column "target"`,
		},
		{
			"ISIC 2019", "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK\nISIC_0034321,0,0,0,0,0,0,0,0,0\n", named(softmax(0), "AK,BCC,BKL,DF,MEL,NV,SCC,VASC"),
			`a row for each image, with the prediction of each class in a column of its own: "MEL" is class 4, "NV" is class 5, "BCC" is class 1, …; copied from the sample: "UNK"`,
		},
		{
			"Melanoma 2020", "image_name,target\nISIC_0052060,0\nISIC_0052349,0\n", single,
			`a row for each image, with the prediction of class 0 in the column "target"`,
		},
		{
			"Cassava", "image_id,label\n2216849948.jpg,4\n", softmax(5),
			`a row for each image, with one class, as class number from 0 in the column "label"`,
		},
		{
			"Plant Pathology 2020", "image_id,healthy,multiple_diseases,rust,scab\nTest_0,0.25,0.25,0.25,0.25\nTest_1,0.25,0.25,0.25,0.25\n",
			named(softmax(0), "scab,rust,multiple_diseases,healthy"),
			`a row for each image, with the prediction of each class in a column of its own: "healthy" is class 3, "multiple_diseases" is class 2, "rust" is class 1, …`,
		},
		{
			"Plant Pathology 2021", "image,labels\n85f8cb619c66b863.jpg,healthy\nad8770db05586b59.jpg,healthy\nc7b03e718489f3ca.jpg,healthy\n",
			named(sigmoids(0), "complex,frog_eye_leaf_spot,healthy,powdery_mildew,rust,scab"),
			`a row for each image, with all its classes, as class names such as "complex" separated by " " in the column "labels"`,
		},
		{
			"RSNA hemorrhage", "ID,Label\nID_0fbf6a978_epidural,0.5\nID_0fbf6a978_intraparenchymal,0.5\nID_0fbf6a978_intraventricular,0.5\nID_0fbf6a978_subarachnoid,0.5\nID_0fbf6a978_subdural,0.5\nID_0fbf6a978_any,0.5\n",
			named(sigmoids(0), "any,epidural,intraparenchymal,intraventricular,subarachnoid,subdural"),
			`a row for each image and class, joined by "_" in the column "ID", with the prediction of each class in the column "Label"`,
		},
		{
			"RSNA mammography", "prediction_id,cancer\n0_L,0\n0_R,0\n", single,
			`a row for each image, with the prediction of class 0 in the column "cancer"`,
		},
		{
			"RSNA mammography, decimals", "prediction_id,cancer\n10008_L,0.021168\n10008_R,0.021168\n", named(softmax(0), "benign,cancer"),
			`a row for each image, with the prediction of class 1 in the column "cancer"`,
		},
		{
			"RSNA cervical spine", "row_id,fractured\n1.2.826.0.1.3680043.10197_C1,0.5\n1.2.826.0.1.3680043.10197_C2,0.5\n1.2.826.0.1.3680043.10197_patient_overall,0.5\n", named(sigmoids(0), "C1,C2,patient_overall"),
			`a row for each image and class, joined by "_" in the column "row_id", with the prediction of each class in the column "fractured"`,
		},
		{
			"RSNA lumbar spine", "row_id,normal_mild,moderate,severe\n44036939_left_neural_foraminal_narrowing_l1_l2,0.333333,0.333333,0.333333\n", named(softmax(0), "normal_mild,moderate,severe"),
			`a row for each image, with the prediction of each class in a column of its own: "normal_mild" is class 0, "moderate" is class 1, "severe" is class 2`,
		},
		{
			"APTOS", "id_code,diagnosis\n0005cfc8afb6,0\n003f0afdcd15,0\n", grades(5),
			`a row for each image, with one class, as class number from 0 in the column "diagnosis"`,
		},
		{
			"PANDA", "image_id,isup_grade\n005700be7e06878e6605e7a5a39de1b2,0\n005c6e8877caf724c600fdce5d417d40,0\n",
			grades(6),
			`a row for each image, with one class, as class number from 0 in the column "isup_grade"`,
		},
		{
			"HPA 2018", "Id,Predicted\n00008af0-bad0-11e8-b2b8-ac1f6b6435d0,0\n0000a892-bacf-11e8-b2b8-ac1f6b6435d0,0\n", sigmoids(28),
			`a row for each image, with all its classes, as class numbers from 0 separated by " " in the column "Predicted"`,
		},
		{
			"Pawpularity", "Id,Pawpularity\n4128bae22183829d2b5fea10effdb0c3,43.75\n43a2262d7738e3d420d453815151079e,87.31\n", targets(1),
			`a row for each image, with the prediction of class 0 in the column "Pawpularity"`,
		},
		{
			"UBC-OCEAN", "image_id,label\n41,HGSC\n", named(softmax(0), "CC,EC,HGSC,LGSC,MC"),
			`a row for each image, with one class, as class name such as "CC" in the column "label"`,
		},
		{
			"Dog breed", "id,affenpinscher,afghan_hound,african_hunting_dog\n000621fb3cbb32d8935728e48679680e,0.00833333333333,0.00833333333333,0.00833333333333\n", softmax(3),
			`a row for each image, with the prediction of each class in a column of its own: "affenpinscher" is class 0, "afghan_hound" is class 1, "african_hunting_dog" is class 2`,
		},
		{
			"Leaf classification", "id,Acer_Capillipes,Acer_Circinatum,Acer_Mono\n4,0.010101010101010102,0.010101010101010102,0.010101010101010102\n", softmax(3),
			`a row for each image, with the prediction of each class in a column of its own: "Acer_Capillipes" is class 0, "Acer_Circinatum" is class 1, "Acer_Mono" is class 2`,
		},
		{
			"Planet", "image_name,tags\ntest_0,primary clear agriculture road water\ntest_1,primary clear agriculture road water\n",
			named(sigmoids(0), "agriculture,clear,primary,road,water"),
			`a row for each image, with all its classes, as class names such as "agriculture" separated by " " in the column "tags"`,
		},
		{
			"State Farm", "img,c0,c1,c2,c3\nimg_1.jpg,0.1,0.1,0.1,0.1\nimg_10.jpg,0.1,0.1,0.1,0.1\n", softmax(4),
			`a row for each image, with the prediction of each class in a column of its own: "c0" is class 0, "c1" is class 1, "c2" is class 2, …`,
		},
		{
			"PetFinder adoption", "PetID,AdoptionSpeed\ne2dfc2935,2\nf153b465f,2\n", grades(5),
			`a row for each image, with one class, as class number from 0 in the column "AdoptionSpeed"`,
		},
		{
			"Digit recognizer", "ImageId,Label\n1,0\n2,0\n", softmax(10),
			`a row for each image, with one class, as class number from 0 in the column "Label"`,
		},
		{
			"Cactus", "id,has_cactus\n000940378805c44108d287872b2f04ce.jpg,0.5\n", single,
			`a row for each image, with the prediction of class 0 in the column "has_cactus"`,
		},
		{
			"RANZCR", "StudyInstanceUID,ETT - Abnormal,ETT - Borderline,ETT - Normal\n1.2.826.0.1.3680043.8.498.46923145579096002617106567297135160932,0,0,0\n", named(sigmoids(0), "ETT - Abnormal,ETT - Borderline,ETT - Normal"),
			`a row for each image, with the prediction of each class in a column of its own: "ETT - Abnormal" is class 0, "ETT - Borderline" is class 1, "ETT - Normal" is class 2`,
		},
		{
			"Diabetic retinopathy 2015", "image,level\n1_left,0\n1_right,0\n2_left,0\n2_right,0\n", grades(5),
			`a row for each image, with one class, as class number from 0 in the column "level"`,
		},
		{
			"ids that end in numbers", "image,label\n1_0,0\n1_1,0\n2_0,0\n2_1,0\n", softmax(2),
			`a row for each image, with one class, as class number from 0 in the column "label"`,
		},
		{
			"an additional column", "image_id,site,label\na,x,0\nb,y,0\n", softmax(3),
			`a row for each image, with one class, as class number from 0 in the column "label"; copied from the sample: "site"`,
		},
		{
			"Seedlings", "file,species\n0021e90e4.png,Sugar beet\n003d61042.png,Sugar beet\n", named(softmax(0), "Black-grass,Charlock,Sugar beet"),
			`a row for each image, with one class, as class name such as "Black-grass" in the column "species"`,
		},
		{
			"Leaves", "image,label\nimages/18353.jpg,abies_concolor\nimages/18354.jpg,abies_concolor\n", named(softmax(0), "abies_concolor,acer_rubrum"),
			`a row for each image, with one class, as class name such as "abies_concolor" in the column "label"`,
		},
		{
			"Paddy", "image_id,label\n200001.jpg,\n200002.jpg,\n", named(softmax(0), "blast,hispa,normal"),
			`a row for each image, with one class, as class name such as "blast" in the column "label"`,
		},
		{
			"Cervix", "image_name,Type_1,Type_2,Type_3\n0.jpg,0.17,0.54,0.29\n", softmax(3),
			`a row for each image, with the prediction of each class in a column of its own: "Type_1" is class 0, "Type_2" is class 1, "Type_3" is class 2`,
		},
		{
			"Galaxy Zoo", "GalaxyID,Class1.1,Class1.2,Class2.1,Class10.1\n100018,0,0,0,0\n", targets(4),
			`a row for each image, with the prediction of each class in a column of its own: "Class1.1" is class 0, "Class1.2" is class 1, "Class2.1" is class 2, …`,
		},
		{
			"Plant traits", "id,X4,X11,X18,X50,X26,X3112\n201238668,1,1,1,1,1,1\n", named(targets(0), "X4,X11,X18,X50,X26,X3112"),
			`a row for each image, with the prediction of each class in a column of its own: "X4" is class 0, "X11" is class 1, "X18" is class 2, …`,
		},
		{
			"iWildCam", "Id,Category\n58857ccf-23d2-11e8-a6a3-ec086b02610b,1\n591e4006-23d2-11e8-a6a3-ec086b02610b,5\n", softmax(23),
			`a row for each image, with one class, as class number from 0 in the column "Category"`,
		},
		{
			"Hotel ID", "image,hotel_id\n99e91ad5f2870678.jpg,36363 53586 18807\nb5cc62ab665591a9.jpg,36363 53586 18807\n", named(softmax(0), "18807,36363,53586,7"),
			`a row for each image, with the 3 most likely classes, as class names such as "18807" separated by " " in the column "hotel_id"`,
		},
		{
			"Humpback", "Image,Id\n00028a005.jpg,new_whale w_23a299d\n000dcf7d8.jpg,new_whale w_23a299d\n", named(softmax(0), "new_whale,w_23a299d,w_1"),
			`a row for each image, with the 2 most likely classes, as class names such as "new_whale" separated by " " in the column "Id"`,
		},
		{
			"field case 31", "row_id,class0,class1,class2\na,0.1,0.1,0.1\n", sigmoids(3),
			`a row for each image, with the prediction of each class in a column of its own: "class0" is class 0, "class1" is class 1, "class2" is class 2`,
		},
	} {
		s, err := readSample(t, "sample_submission.csv", c.text, c.rules)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := s.Form.String(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Masks, boxes and pairs are no forms of a classification or regression.
func TestFormsOfOtherCompetitionsAreRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"HuBMAP 2021", "id,predicted\n2ec3f1bb9,1 2 1 2\n", "a number twice"},
		{"HuBMAP 2022", "id,rle\n10078,12 34\n", "masks or boxes"},
		{"HuBMAP 2023", "id,height,width,prediction_string\n72e40acccadf,512,512,0 1.0 eNoLTDAwyrNITATiA==\n", "masks or boxes"},
		{"HPA 2021", "ID,ImageWidth,ImageHeight,PredictionString\n0040581b-f1f2-4fbe-b043-b6bfea5404bb,2048,2048,0 1 eNoLCAgIMAEABJkBdQ==\n", "masks or boxes"},
		{"VinBigData", "image_id,PredictionString\n002a34c58c5b758217ed1f584ccbcfe9,14 1 0 0 1 1\n", "masks or boxes"},
		{"Severstal", "ImageId_ClassId,EncodedPixels\n004f40c73.jpg_1,1 1\n004f40c73.jpg_2,1 1\n", "masks or boxes"},
		{"Clouds", "Image_Label,EncodedPixels\n002f507.jpg_Fish,1 1\n002f507.jpg_Flower,1 1\n", "masks or boxes"},
		{"Landmarks", "id,landmarks\n00084cdf8f600d00,8815 0.03\n", "has text"},
		{"Cdiscount", "_id,category_id\n10,1000010653\n14,1000010653\n", "the number 1000010653, but the ensemble has 10 classes"},
	} {
		_, err := readSample(t, "sample_submission.csv", c.text, softmax(10))
		var form *input.FormError
		if !errors.As(err, &form) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
